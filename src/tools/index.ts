export { findTool } from './find-tool.js';
export { fetchTool, type FetchOptions, type FoundTool } from './fetch-tool.js';
export type { Release } from './release.js';
