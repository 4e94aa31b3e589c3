export { findKind, type FindKindOptions, type FoundKind } from './find-kind.js';
export type { HostPort } from './kind-config.js';
export { kindProvider, type KindProvider, type KindProviderOptions } from './kind-provider.js';
