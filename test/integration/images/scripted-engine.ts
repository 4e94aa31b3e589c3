import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { ContainerRuntime } from '../../../src/runtime/index.js';
import { ownArchitecture } from '../registry/index.js';

/** An engine's command line client that is a shell script. */
export interface ScriptedEngine extends Disposable {
  runtime: ContainerRuntime;
  /** Its command lines so far. */
  calls(): string[];
}

/** @param script - of a POSIX shell; its arguments are those of the client, `$FOLDER` is its own */
export function scriptedEngine(name: ContainerRuntime['name'], script: string): ScriptedEngine {
  const folder = mkdtempSync(path.join(tmpdir(), 'scripted-engine-'));
  const command = path.join(folder, name);
  const log = path.join(folder, 'calls');
  writeFileSync(command, `#!/bin/sh\necho "$@" >>"$FOLDER/calls"\n${script}`);
  chmodSync(command, 0o755);
  return {
    runtime: {
      name,
      command,
      env: { FOLDER: folder },
      version: '28.5.2',
      platform: `linux/${ownArchitecture}`,
      cpus: 2,
      memoryBytes: 8e9,
      cgroupVersion: 2,
      id: undefined,
      host: '127.0.0.1',
    },
    calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []),
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true });
    },
  };
}
