export { detectRuntime } from './detect-runtime.js';
export { findOnPath } from './find-on-path.js';
export type { ContainerRuntime } from './runtime.js';
