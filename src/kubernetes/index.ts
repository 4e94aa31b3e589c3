export type { ClusterAccess } from './access.js';
export { serveApi } from './api-proxy.js';
export { ApiError, isGone, unless } from './api-error.js';
export { Api, openApi } from './client.js';
export { apply } from './apply.js';
export { applyObjects } from './apply-objects.js';
export { hold, holderName, letGo } from './borrow.js';
export { claim } from './claim.js';
export { deleteOwned } from './delete-owned.js';
export { execInPod, inChunks, runInPod, type CommandEnd } from './exec.js';
export {
  contextOf,
  readKubeconfig,
  writtenContext,
  type Kubeconfig,
  type KubeconfigContext,
} from './kubeconfig.js';
export type { ServedKind } from './discovery.js';
export { collectionOf, Kinds, NotServed } from './kinds.js';
export { clusterDns, serviceAddress, serviceIsAnswered, type ServiceName } from './service-answered.js';
export { describeObject, fieldManager, groupOf, isCustom, type KubernetesObject } from './objects.js';
export { managedBy, namespaceFor, ownNamespace, packageNamespace } from './own-namespace.js';
export { clusterLabel, isOwnedBy, type Owner, ownerLabel } from './owner.js';
export { patienceWith } from './patience.js';
export { ExecRefused } from './pod-socket.js';
export {
  containerPort,
  containersOf,
  containerStatus,
  defaultContainer,
  isReady,
  type LabelSelector,
  type Pod,
  podsPath,
  readPods,
  selectorText,
} from './pods.js';
export { type ForwardedPods, forwardToPods } from './port-forward.js';
export { forwardPort, podsBehind, type Service } from './service-pods.js';
export { podsAreAdmitted } from './pods-admitted.js';
export {
  type ManifestProgram,
  ManifestReading,
  parseManifest,
  readManifests,
  type ManifestObject,
  type Manifests,
} from './manifests/index.js';
export { inOrder, persistently, putInOrder } from './put-in-order.js';
export { passesByItself } from './retry.js';
// not by the room's own door: what the test API loads of it needs no client
export { allReady, becomesReady, type AwaitedObject } from './waiting/all-ready.js';
export * from './waiting/index.js';
