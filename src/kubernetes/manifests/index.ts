export { type ManifestObject, parseManifest } from './parse.js';
export { ManifestReading, type Manifests, readManifests } from './read.js';
