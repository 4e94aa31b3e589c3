import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

import { masker } from '../../support/mask.js';
import { logFile } from '../bundle/files.js';
import { makeBundle } from '../bundle/folder.js';
import { eventsText, podText, yamlOf } from '../bundle/text.js';
import { masked } from '../masked.js';
import type { ContainerLog, Snapshot } from '../snapshot.js';
import type { Changed } from './changes.js';
import type { RedTest } from './look.js';
import { type ChangeLine, type FileRecord, recordFile, type TestRecord } from './record.js';

/** A name as a folder has it: short, and of what every file system takes. */
const folderName = (name: string): string =>
  name
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}_.-]+/gu, '-')
    .replace(/^[-.]+|-+$/g, '')
    .slice(0, 70)
    .replace(/-+$/, '') || 'unnamed';

/** Where a test file's tests have theirs: as it lies itself, within the run's folder. */
const fileFolder = (run: string, file: string): string =>
  join(run, ...file.split(/[\\/]/).map((part) => (part === '..' ? '__' : part)));

/**
 * Makes the folder of a failed test, by its name: of two tests of one name, and of one file that two projects run, the
 * second has a number.
 */
export function makeFolder({ run, file, test }: Pick<RedTest, 'run' | 'file' | 'test'>): string {
  const parent = fileFolder(run, file);
  makeBundle(run);
  mkdirSync(parent, { recursive: true });
  for (let times = 1; ; times += 1) {
    const folder = join(parent, `${folderName(test)}${times === 1 ? '' : `-${String(times)}`}`);
    try {
      mkdirSync(folder);
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

export interface Seen {
  red: RedTest;
  folder: string;
  record: TestRecord;
  snapshot: Snapshot | undefined;
  objects: readonly Changed[];
  /** Masked, as a whole: a key may stand on several lines. */
  logs: readonly ContainerLog[];
  mask: (text: string) => string;
}

/** Writes what was seen of a failed test into its folder, secrets masked. */
export async function writeTest({ red, folder, record, snapshot, objects, logs, mask }: Seen): Promise<void> {
  const put = async (file: string, text: string): Promise<void> => {
    if (text === '') return;
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text, { mode: 0o600 });
  };
  const write = (file: string, text: string): Promise<void> => put(file, mask(text));
  const whole = { ...record, folder: relative(red.run, folder) };
  await Promise.all([
    write('summary.txt', summaryOf(whole)),
    write('events.txt', eventsText(snapshot?.events ?? [])),
    write('pods.txt', (snapshot?.pods ?? []).map((pod) => podText(pod, snapshot?.events ?? [])).join('\n')),
    write('changes.txt', record.changes.map(changeText).join('')),
    ...objects.map((object) => write(objectFile(object), yamlOf([object]))),
    ...logs.map((log) =>
      put(logFile({ metadata: { namespace: log.namespace, name: log.pod } }, log), log.text),
    ),
  ]);
  // the page is made of those that are whole
  await writeFile(join(folder, recordFile), JSON.stringify(masked(whole, mask)), { mode: 0o600 });
}

/** Leaves the tests of a red file in its folder. */
export function leaveFile(run: string, record: FileRecord): void {
  const folder = fileFolder(run, record.file);
  makeBundle(run);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, recordFile), JSON.stringify(masked(record, masker())), { mode: 0o600 });
}

const objectFile = ({ kind = '', metadata }: Changed): string => {
  const place = metadata?.namespace === undefined ? '' : `${metadata.namespace}/`;
  return `objects/${place}${kind.toLowerCase()}-${folderName(metadata?.name ?? '')}.yaml`;
};

const changeText = ({ at, object, what }: ChangeLine): string =>
  `${new Date(at).toISOString()}  ${object}: ${what}\n`;

function summaryOf({ file, test, startedAt, endedAt, error, cause, lacks, unseen }: TestRecord): string {
  return [
    `${file}: ${test}`,
    `from ${new Date(startedAt).toISOString()} to ${new Date(endedAt).toISOString()}`,
    '',
    error,
    ...(cause
      ? [
          '',
          `likely cause: ${cause.sentence} (${cause.code})`,
          ...cause.evidence.map((line) => `    ${line}`),
          ...(cause.remedy === undefined ? [] : [`  → ${cause.remedy}`]),
        ]
      : []),
    ...(lacks.length > 0 ? ['', 'waited for in vain:', ...lacks.map((line) => `    ${line}`)] : []),
    ...(unseen.length > 0 ? ['', 'what could not be had:', ...unseen.map((line) => `    ${line}`)] : []),
    '',
  ].join('\n');
}
