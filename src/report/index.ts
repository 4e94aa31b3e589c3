export { addToSummary, isInActions } from './actions.js';
export { inWords } from './bar.js';
export { formatAge, formatBytes, formatBytesInTenths, formatSeconds, styleFor } from './format.js';
export { type Bytes, type Detail, silent, type Progress } from './progress.js';
export { silenceLimit, type PhaseLine } from './line.js';
export { Report } from './report.js';
export type { TimelineEntry } from './timeline.js';
