export * from './faults.js';
export { faultyRegistry, type Access, type FaultyRegistry } from './faulty-registry.js';
export { newImage, ownArchitecture } from './images.js';
export { pushIndex, storedManifest } from './multi-platform.js';
