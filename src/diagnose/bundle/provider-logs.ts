import { lstat, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { formatBytesInTenths } from '../../report/index.js';
import { orAborted } from '../../support/abort.js';
import { messageOf } from '../../support/errors.js';
import { providerFile } from './files.js';
import { type Bundle, lateness } from './folder.js';
import type { BundleOptions } from './options.js';

/** How long an export may take, in milliseconds: it is a bundle's slowest part. */
const EXPORT_MS = 20_000;
const FILE_BYTES = 16 * 1024 * 1024;

/** What the provider exports goes to a folder of its own first: nothing comes into the bundle unmasked. */
export async function writeExport(
  { write, notes }: Bundle,
  exportLogs: BundleOptions['exportLogs'],
  signal: AbortSignal,
): Promise<void> {
  if (!exportLogs) return;
  const raw = await mkdtemp(join(tmpdir(), 'jest-kubernetes-export-'));
  const bound = AbortSignal.any([signal, AbortSignal.timeout(EXPORT_MS)]);
  const exported = exportLogs(raw, bound);
  try {
    await orAborted(exported, bound).catch((error: unknown) => {
      const reason = bound.aborted ? lateness : (messageOf(error).split('\n')[0] ?? '');
      notes.push(`kind export logs: ${reason}`);
    });
    for (const file of await readdir(raw, { recursive: true })) {
      const source = join(raw, file);
      const facts = await lstat(source);
      if (!facts.isFile()) continue;
      if (facts.size > FILE_BYTES)
        notes.push(`${providerFile(file)}: left out, ${formatBytesInTenths(facts.size)}`);
      else await write(providerFile(file), await readFile(source, 'utf8'));
    }
  } finally {
    await rm(raw, { recursive: true, force: true });
    // one that ended late may have written on
    void exported
      .catch(() => undefined)
      .finally(() => void rm(raw, { recursive: true, force: true }).catch(() => undefined));
  }
}
