export { allReady, becomesReady, type AwaitedObject } from './all-ready.js';
export { Collection } from './collection.js';
export { phaseIs, readiness } from './readiness.js';
export { until } from './until.js';
export {
  conditionIs,
  describeCondition,
  generationSeen,
  met,
  never,
  notYet,
  statusConditions,
  type Verdict,
} from './verdict.js';
