export { client, kubeConfig, type ApiClass } from './kube-config.js';
export {
  available,
  bound,
  complete,
  condition,
  type Condition,
  count,
  deleted,
  exists,
  hasEndpoints,
  jsonPath,
  ready,
} from './conditions.js';
export { database, resetDatabase, type Database } from './database.js';
export { eventually, type EventuallyOptions } from './eventually.js';
export { namespace } from './namespace.js';
export type { Limits } from './patience.js';
export type { Selection, Target } from './target.js';
export type { AnyObject, FoundOf, ObjectOf } from './typed.js';
export { waitFor, type WaitOptions } from './wait-for.js';
