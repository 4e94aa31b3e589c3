export { Collection } from './collection.js';
export { type EndpointSlice, hasReadyEndpoint, readiness } from './readiness.js';
export { until } from './until.js';
export { conditionIs, describeCondition, statusConditions, type Verdict } from './verdict.js';
