export { deleteContainers } from './delete-containers.js';
export { findKind } from './find-kind.js';
export { kindProvider } from './kind-provider.js';
export { nodesContainers } from './node-containers.js';
