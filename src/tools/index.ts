export { findTool, lookForTool } from './find-tool.js';
export { get, proxiesNamed } from './get.js';
export { fetchTool, lookForRelease, type FetchOptions, type FoundTool } from './fetch-tool.js';
export type { Release } from './release.js';
