export { addToSummary, isInActions } from './actions.js';
export { formatBytes, formatBytesInTenths, formatSeconds } from './format.js';
export { silent, type Progress } from './progress.js';
export { silenceLimit, type PhaseLine } from './line.js';
export { Report } from './report.js';
export type { TimelineEntry } from './timeline.js';
