/** What `@kubernetes/client-node` is inside the sandbox: an object of this test file's own, with the native exports. */
import { outside } from './outside.js';

// the importing module, as Jest keeps it; an ES module is none
const importer = (module as { parent?: { filename?: string } | null }).parent?.filename;

export = Object.defineProperty({ ...outside.clientNodeFor(importer) }, '__esModule', { value: true });
