export type { ClusterAccess } from './access.js';
export { ApiError, isGone, isHidden, openApi, unless, type Api } from './api.js';
export { apply, applyObjects, fieldManager, patienceWith } from './apply.js';
export { ExecRefused, execInPod } from './exec.js';
export { Kinds } from './kinds.js';
export { describeObject, type KubernetesObject } from './objects.js';
export { owned, removeOwned } from './owned.js';
export { forwardPort, type PortForward } from './port-forward.js';
export { parseManifest, readManifests, type ManifestObject, type Manifests } from './read-manifests.js';
