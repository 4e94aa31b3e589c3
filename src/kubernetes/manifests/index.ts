export { type ManifestObject, parseManifest } from './parse.js';
export { type ManifestProgram, ManifestReading, type Manifests, readManifests } from './read.js';
