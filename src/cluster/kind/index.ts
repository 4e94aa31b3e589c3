export { inotifyForNodes, makeRoomOnDisk, moreMemory, nodeMemory, raiseInotify } from './kind-failures.js';
export { lookForKind } from './find-kind.js';
export { nodesContainers } from './node-containers.js';
export { deleteContainers } from './delete-containers.js';
export { findKind } from './find-kind.js';
export { kindProvider } from './kind-provider.js';
