import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { watchDownloads } from '../../../src/diagnose/index.js';
import type { ContainerRuntime } from '../../../src/runtime/index.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'downloads-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('a download is told of each time that more of it is there, and one that stands still is not', async () => {
  const command = path.join(folder, 'docker');
  const looks = path.join(folder, 'looks');
  // bytes of one layer, look by look: the last two find no more
  writeFileSync(
    command,
    `#!/bin/sh\necho >> ${looks}\ncase $(wc -l < ${looks}) in 1) bytes=1000000;; 2) bytes=3000000;; *) bytes=3000000;; esac\necho "layer-sha256:abc $bytes 10 10 9000000"\n`,
  );
  chmodSync(command, 0o755);
  const told: string[] = [];
  const ended = new AbortController();
  const runtime = { command, env: process.env } as unknown as ContainerRuntime;
  const watching = watchDownloads(
    { runtime, containers: ['node'] },
    { signal: ended.signal, interval: 5, onMore: (said) => told.push(said) },
  );
  while (!existsSync(looks) || readFileSync(looks, 'utf8').length < 4)
    await new Promise((resolve) => setTimeout(resolve, 5));
  ended.abort(new Error('enough'));
  await expect(watching).rejects.toThrow();
  expect(told).toEqual(['nodes download images: 1.0 MB so far', 'nodes download images: 3.0 MB so far']);
});
