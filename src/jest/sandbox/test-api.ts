/** What `jest-kubernetes` is inside the sandbox. */
import { outside } from './outside.js';

export = Object.defineProperty({ ...outside.testApi() }, '__esModule', { value: true });
