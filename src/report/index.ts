export { formatBytes, formatBytesInTenths, formatSeconds } from './format.js';
export { silent } from './progress.js';
export type { Progress } from './progress.js';
export type { PhaseLine } from './line.js';
export { Report } from './report.js';
export type { TimelineEntry } from './timeline.js';
