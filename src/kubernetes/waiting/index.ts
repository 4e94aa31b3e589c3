export { Collection } from './collection.js';
export { readiness } from './readiness.js';
export { until } from './until.js';
export { conditionIs, describeCondition, statusConditions, type Verdict } from './verdict.js';
