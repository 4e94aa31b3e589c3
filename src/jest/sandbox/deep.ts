/** What a module within `@kubernetes/client-node` is inside the sandbox. */
import { outside } from './outside.js';

export = Object.defineProperty({ ...outside.deepClientNode(module.filename) }, '__esModule', { value: true });
