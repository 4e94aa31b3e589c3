export { detectRuntime } from './detect-runtime.js';
export { isHere, socketOf } from './engine-host.js';
export { engineInfo } from './engine-info.js';
export { describeEngine, engineOf, type EngineRecord, type KnownEngine, recordOf } from './engine-record.js';
export { findOnPath } from './find-on-path.js';
export type { ContainerRuntime } from './runtime.js';
