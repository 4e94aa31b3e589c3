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
export type { EventPattern, KubernetesMatchers } from './matchers.js';
export { namespace, type NamespaceOptions } from './namespace.js';
export type { Patch } from './patch.js';
export type { Limits } from './patience.js';
export { remove, type RemoveOptions } from './remove.js';
export type { Source } from './sources.js';
export type { AnyObject, FoundOf, ObjectOf } from './typed.js';
export { waitFor, type WaitOptions } from './wait-for.js';
export { as, type Actor, type ServiceAccount } from './as.js';
export { can, type CanOptions } from './can.js';
export type { Place, PlaceInPod } from './copy-place.js';
export { cp } from './cp.js';
export { events, type ObjectEvent } from './events.js';
export { exec, type ExecOptions, type ExecResult } from './exec.js';
export { forward, type Forward, type ForwardOptions } from './forward.js';
export { logs, type Logs, type LogsOptions } from './logs.js';
export { proxy, type Proxy } from './proxy.js';
export type { ContainerOptions } from './running-container.js';
export type { Selection, Target } from './target.js';
export { JestKubernetesError, type ErrorCode } from '../support/errors.js';
