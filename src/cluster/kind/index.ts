export { deleteContainers } from './delete-containers.js';
export { findKind, type FindKindOptions, type FoundKind } from './find-kind.js';
export type { HostPort } from './kind-config.js';
export { kindProvider, type KindProviderOptions } from './kind-provider.js';
