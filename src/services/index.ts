export { exposedServices, type ExposedService } from './exposed.js';
export { nodePortOf, serviceObjects } from './objects.js';
