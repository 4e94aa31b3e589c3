export { exposedServices } from './exposed.js';
export { nodePortOf, serviceObjects } from './objects.js';
