export { standBy } from './stand-by.js';
export { startStandby } from './start.js';
