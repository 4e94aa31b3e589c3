export type { ClusterAccess } from './access.js';
export { ApiError, isGone, unless } from './api-error.js';
export { Api, openApi } from './client.js';
export { apply, fieldManager } from './apply-object.js';
export { applyObjects, patienceWith } from './apply.js';
export { ExecRefused, execInPod } from './exec.js';
export {
  contextOf,
  readKubeconfig,
  writtenContext,
  type Kubeconfig,
  type KubeconfigContext,
} from './kubeconfig.js';
export { Kinds } from './kinds.js';
export { namesAreAnswered } from './names-answered.js';
export type { KubernetesObject } from './objects.js';
export { deleteOwned } from './owned.js';
export { marksOf, owned, type Owner } from './owner.js';
export { forwardPort } from './port-forward.js';
export { podsAreAdmitted } from './pods-admitted.js';
export { parseManifest, readManifests } from './read-manifests.js';
export { passesByItself } from './retry.js';
