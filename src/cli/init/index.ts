export { init } from './init.js';
export { findJestConfig } from './jest-config.js';
