/** Rooms of src as Node.js can import them: transpiled, file by file, into a folder that is gone afterwards. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const compilerOptions = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2024 };

/** What a file of `src/config` exports. @param name - such as `config/schema.js` */
export async function fromSource(name) {
  const cache = join(root, 'node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'docs-'));
  try {
    for (const room of ['config', 'support']) {
      await mkdir(join(folder, room));
      for (const file of await readdir(join(root, 'src', room))) {
        const fileName = join(root, 'src', room, file);
        const { outputText } = ts.transpileModule(await readFile(fileName, 'utf8'), {
          fileName,
          compilerOptions,
        });
        await writeFile(join(folder, room, file.replace(/ts$/, 'js')), outputText);
      }
    }
    return await import(pathToFileURL(join(folder, name)).href);
  } finally {
    await rm(folder, { recursive: true });
  }
}
