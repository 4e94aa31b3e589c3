export { Collection } from './collection.js';
export { readiness } from './readiness.js';
export { until } from './until.js';
export {
  conditionIs,
  describeCondition,
  met,
  never,
  notYet,
  statusConditions,
  type Verdict,
} from './verdict.js';
