export { apply, type Applied, type ApplyOptions } from './apply.js';
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
export { namespace, type NamespaceOptions } from './namespace.js';
export type { Patch } from './patch.js';
export type { Limits } from './patience.js';
export { remove, type RemoveOptions } from './remove.js';
export type { Source } from './sources.js';
export type { Selection, Target } from './target.js';
export type { AnyObject, FoundOf, ObjectOf } from './typed.js';
export { waitFor, type WaitOptions } from './wait-for.js';
