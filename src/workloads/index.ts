export { applyObjects, removeObjects } from './apply.js';
export { owned, removeOwned } from './owned.js';
export { postgresNodePort } from './postgres-objects.js';
export { readManifests } from './read-manifests.js';
