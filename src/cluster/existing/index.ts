export { existingProvider } from './existing-provider.js';
