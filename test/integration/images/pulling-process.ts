import { fork } from 'node:child_process';
import path from 'node:path';

import { runEngine } from '../../../src/images/engine.js';
import type { PulledImage, PullOptions } from '../../../src/images/pull.js';
import type { Detail } from '../../../src/report/index.js';
import { ownArchitecture } from '../registry/index.js';

export const docker: PullOptions['runtime'] = {
  name: 'docker',
  command: 'docker',
  env: {},
  platform: `linux/${ownArchitecture}`,
};

type Told = Partial<{ note: string; moved: Detail }>;
type Asked = Partial<Pick<PullOptions, 'runtime' | 'mirrors' | 'limits'>>;

/** What a pull's error said; `code` is undefined where it is not one of ours. */
export type PullFailure = Record<'name' | 'message', string> & {
  code?: string;
  evidence?: string[];
  remedy?: string;
};

/** How a pull went, and what it told meanwhile. */
export interface Pulling {
  notes: string[];
  moves: Detail[];
  result?: PulledImage;
  error?: PullFailure;
}

export interface PullingProcess extends AsyncDisposable {
  pull(reference: string, asked?: Asked): Promise<Pulling> & { interrupt(reason: string): void };
  push(reference: string, to: string): Promise<Pulling>;
}

/** A process that pulls and pushes in an environment of its own, from the compiled source in a folder. */
export function pullingProcess(source: string, env: Record<string, string>): PullingProcess {
  const child = fork(path.join(__dirname, 'pulling-child.js'), [source], { env: { ...process.env, ...env } });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  const listeners = new Map<number, (message: Told & Pulling) => void>();
  child.on('message', (message: Told & Pulling & { id: number }) => listeners.get(message.id)?.(message));
  let count = 0;
  function ask(
    reference: string,
    asked: Asked & { to?: string } = {},
  ): Promise<Pulling> & { interrupt(reason: string): void } {
    const { to, ...more } = asked;
    const id = count++;
    const notes: string[] = [];
    const moves: Detail[] = [];
    const pulling = new Promise<Pulling>((resolve, reject) => {
      void ended.then(() => {
        reject(new Error('the process that pulls has ended'));
      });
      listeners.set(id, ({ note, moved, result, error }) => {
        if (note !== undefined) notes.push(note);
        else if (moved !== undefined) moves.push(moved);
        else resolve({ notes, moves, ...(result && { result }), ...(error && { error }) });
      });
    });
    const limits = { stall: 120_000, total: 1_800_000 };
    child.send({ id, reference, to, options: { runtime: docker, mirrors: [], limits, ...more } });
    return Object.assign(pulling, {
      interrupt: (reason: string) => child.send({ id, interrupt: reason }),
    });
  }
  return {
    pull: ask,
    push: (reference, to) => ask(reference, { to }),
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

/** Takes names away from the engine; those that it does not have are none the less gone. */
export async function forget(references: Iterable<string>): Promise<void> {
  const names = [...references];
  if (names.length > 0) await runEngine(docker, ['rmi', '--force', ...names]);
}
