export { deleteContainers } from './delete-containers.js';
export { findKind, lookForKind } from './find-kind.js';
export { inotifyForNodes, makeRoomOnDisk, moreMemory, nodeMemory, raiseInotify } from './kind-failures.js';
export { kindProvider } from './kind-provider.js';
export { nodesContainers } from './node-containers.js';
