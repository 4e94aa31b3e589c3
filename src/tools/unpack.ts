import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

import { tar } from '../support/native.js';
import { sha256 } from '../support/sha256.js';
import { type Download, downloadExecutable } from './download.js';

/** Beside the program: of which archive it is, and what it was when it was taken out. */
const noteOf = (command: string): string => `${command}.sha256`;
const line = (archive: string, program: Buffer): string => `${archive} ${sha256(program)}`;

/** Whether a program is, unharmed, that of an archive of this SHA-256. */
export async function isUnpacked(command: string, archive: string): Promise<boolean> {
  try {
    const [note, program] = await Promise.all([readFile(noteOf(command), 'utf8'), readFile(command)]);
    return note === line(archive, program);
  } catch {
    return false;
  }
}

interface Unpacking extends Omit<Download, 'file'> {
  /** Where the program is in the archive. */
  inside: string;
  /** Absolute path of where it goes. */
  command: string;
}

/**
 * Downloads a `.tar.gz`, and takes a program out of it once it is checked.
 * @throws ChecksumError, or what the connection says
 */
export async function unpack({ inside, command, ...download }: Unpacking): Promise<void> {
  await mkdir(path.dirname(command), { recursive: true });
  // any number of processes may do it at once
  const folder = await mkdtemp(`${command}.`);
  try {
    const archive = path.join(folder, 'archive.tar.gz');
    await downloadExecutable({ ...download, file: archive });
    const extract = tar().extract(path.join(folder, 'all'), { chown: false, map: (header) => header });
    await pipeline(createReadStream(archive), createGunzip(), extract, { signal: download.signal });
    const program = path.join(folder, 'all', inside);
    const note = path.join(folder, 'note');
    await writeFile(note, line(download.sha256, await readFile(program)));
    await rename(program, command);
    await rename(note, noteOf(command));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
