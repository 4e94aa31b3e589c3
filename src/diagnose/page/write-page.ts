import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { masker } from '../../support/mask.js';
import { masked } from '../masked.js';
import { type FileRecord, recordFile, type TestRecord } from '../tests/record.js';
import { pageOf, type RunRecord } from './page.js';

/** The records below a run's folder: of its setup, of red files, and of red tests. */
function recordsIn(run: string): (FileRecord | TestRecord)[] {
  return readdirSync(run, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(recordFile))
    .flatMap((file): (FileRecord | TestRecord)[] => {
      try {
        return [JSON.parse(readFileSync(join(run, file), 'utf8')) as FileRecord | TestRecord];
      } catch {
        // its worker was ended while it wrote
        return [];
      }
    });
}

/**
 * Makes the page of a run from what its workers have left, beside it: synchronously, as a process may be about to end.
 * @returns its path; undefined where nothing has failed, and nothing is written
 */
export function writePage(run: string, known: Omit<RunRecord, 'failures'>): string | undefined {
  if (!existsSync(run)) return undefined;
  const records = recordsIn(run);
  const failures = records
    .filter((record) => record.kind === 'test')
    .sort((a, b) => a.startedAt - b.startedAt);
  if (failures.length === 0) return undefined;
  const red = records.filter((record) => record.kind === 'file');
  const names = new Set(red.map(({ file }) => file));
  const files = [...red, ...known.files.filter(({ file }) => !names.has(file))].sort(
    (a, b) => a.startedAt - b.startedAt,
  );
  const path = join(run, 'index.html');
  writeFileSync(path, pageOf(masked({ ...known, files, failures }, masker())), { mode: 0o600 });
  return path;
}
