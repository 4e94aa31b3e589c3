import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findAbandoned, openCluster, type Removal } from '../../../src/cluster/leases/index.js';
import { JestKubernetesError } from '../../../src/support/errors.js';

const asRoot = process.getuid?.() === 0;
/** Mounting takes root; a person and GitHub's runners have it through sudo. */
const run = (...command: string[]) => {
  const [file = '', ...rest] = asRoot ? command : ['sudo', '-n', ...command];
  execFileSync(file, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
};

let base: string;
let stateDir: string;
let removed: Removal[];
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'jest-kubernetes-state-'));
  stateDir = join(base, 'state');
  removed = [];
});
afterEach(() => {
  rmSync(base, { recursive: true, force: true });
});

const removal = { provider: 'kind' as const, name: 'shop', runtime: null };
const wanted = { made: { image: 'v1' }, removal, keep: 'never' as const };
const open = (runId: string, onNote: (line: string) => void = () => undefined) =>
  openCluster({
    ...{ stateDir, name: 'shop', runId, onNote },
    deleteCluster: (record) => {
      removed.push(record.removal);
      return Promise.resolve();
    },
  });
const folder = () => join(stateDir, 'clusters/shop');
const file = () => join(folder(), 'state.json');
const aside = () => join(stateDir, 'logs/shop.state.json.bad-1');

/** A cluster that was ready and in use by a run, whose file is then damaged. */
async function aReadyCluster(): Promise<void> {
  const lease = open('before');
  await lease.acquire({ ...wanted, keep: 'always' });
  await lease.ready({ name: 'shop', kubeconfig: '/k', context: 'kind-shop' });
  await lease.release();
  writeFileSync(join(folder(), 'kubeconfig'), '');
}

describe('a state that cannot be read', () => {
  test.each<[string, () => void, string]>([
    [
      'empty',
      () => {
        truncateSync(file(), 0);
      },
      'is empty',
    ],
    [
      'truncated',
      () => {
        truncateSync(file(), 100);
      },
      'is not JSON',
    ],
    [
      'a foreign program’s',
      () => {
        writeFileSync(file(), '{"apiVersion":"v1","kind":"Config"}');
      },
      'has an unknown version: none',
    ],
    [
      'of another version',
      () => {
        writeFileSync(file(), readFileSync(file(), 'utf8').replace('"version": 1', '"version": 2'));
      },
      'has an unknown version: 2',
    ],
    [
      'a folder',
      () => {
        rmSync(file());
        mkdirSync(join(file(), 'inside'), { recursive: true });
      },
      'cannot be read (EISDIR)',
    ],
  ])(
    '(%s) is moved aside, and what it described is deleted before the cluster is made anew',
    async (_, damage, wrong) => {
      await aReadyCluster();
      damage();
      expect(findAbandoned(stateDir)).toEqual([]);
      const notes: string[] = [];
      const lease = open('next', (line) => notes.push(line));
      expect(await lease.acquire(wanted)).toEqual({ role: 'create' });
      expect(removed).toEqual([removal]);
      expect(notes).toEqual([
        `deleting the cluster shop first: its state ${file()} ${wrong} (moved to ${aside()})`,
      ]);
      expect(await lease.release()).toBe('deleted');
    },
  );

  test('that is missing among the cluster’s other files does not hide the cluster', async () => {
    await aReadyCluster();
    rmSync(file());
    expect(await open('next').acquire(wanted)).toEqual({ role: 'create' });
    expect(removed).toEqual([removal]);
  });

  test('damaged while its run goes on: the run deletes its cluster all the same', async () => {
    const lease = open('one');
    await lease.acquire(wanted);
    truncateSync(file(), 10);
    expect(await lease.release()).toBe('deleted');
    expect(removed).toEqual([removal]);
    expect(readdirSync(join(stateDir, 'clusters'))).toEqual([]);
  });

  test('of another version, while its runs are alive: nothing is touched', async () => {
    await open('one').acquire(wanted);
    writeFileSync(file(), readFileSync(file(), 'utf8').replace('"version": 1', '"version": 2'));
    const refused = open('next').acquire(wanted);
    await expect(refused).rejects.toMatchObject({
      code: 'STATE_UNUSABLE',
      message: `${file()} has an unknown version: 2, and names runs that are alive`,
      evidence: [expect.stringContaining(`pid ${process.pid}`)],
    });
    expect(readdirSync(folder())).toEqual(['state.json']);
  });

  test('left half-written by a creator that died: the folder goes with the next sweep', () => {
    mkdirSync(folder(), { recursive: true });
    writeFileSync(join(stateDir, 'lock'), '');
    writeFileSync(`${file()}.new`, '{"ver');
    expect(findAbandoned(stateDir)).toEqual(['shop']);
  });
});

/** What acquiring comes to, as a person reads it. */
async function acquiring(): Promise<JestKubernetesError> {
  const error: unknown = await open('one')
    .acquire(wanted)
    .catch((thrown: unknown) => thrown);
  if (error instanceof JestKubernetesError) return error;
  throw new Error('expected an error for a person', { cause: error });
}

describe('a state directory that cannot be used is named, with the errno and the way out', () => {
  const remedy = expect.stringContaining('JEST_KUBERNETES_STATE_DIR') as string;

  /** A disk of its own: 64 kB of memory. */
  async function onDisk(use: () => Promise<void>): Promise<void> {
    mkdirSync(stateDir);
    run('mount', '-t', 'tmpfs', '-o', 'size=64k,mode=0777', 'tmpfs', stateDir);
    try {
      await use();
    } finally {
      run('umount', '--lazy', stateDir);
    }
  }

  test('on a read-only disk', () =>
    onDisk(async () => {
      run('mount', '-o', 'remount,ro', stateDir);
      const { code, message, evidence, ...rest } = await acquiring();
      expect({ code, message }).toEqual({
        code: 'STATE_UNUSABLE',
        message: `the state directory cannot be used: ${join(stateDir, 'alive-one')}`,
      });
      expect(evidence).toEqual([expect.stringContaining('EROFS')]);
      expect(rest.remedy).toEqual(remedy);
    }));

  test('on a disk that became read-only', () =>
    onDisk(async () => {
      await aReadyCluster();
      run('mount', '-o', 'remount,ro', stateDir);
      expect((await acquiring()).evidence).toEqual([expect.stringContaining('EROFS')]);
    }));

  test('on a full disk', () =>
    onDisk(async () => {
      const ballast = join(stateDir, 'logs/1a2b3c4d.log');
      mkdirSync(join(ballast, '..'));
      expect(() => {
        writeFileSync(ballast, Buffer.alloc(1 << 20));
      }).toThrow('ENOSPC');
      const error = await acquiring();
      expect(error).toMatchObject({
        code: 'STATE_UNUSABLE',
        remedy: expect.stringContaining('Free some space') as string,
      });
      expect(error.evidence).toEqual([expect.stringContaining('ENOSPC')]);
      expect(error.message).toContain(stateDir);
      // a disk that is full now holds what it held before: nothing was torn
      rmSync(ballast);
      expect(await open('two').acquire(wanted)).toEqual({ role: 'create' });
    }));

  test('where a file is in its way', async () => {
    writeFileSync(stateDir, '');
    expect((await acquiring()).evidence).toEqual([expect.stringMatching(/EEXIST|ENOTDIR/)]);
  });

  /** As somebody who is not root, whom permissions mean nothing to. */
  async function asNobody(use: () => Promise<void>): Promise<void> {
    if (!asRoot) {
      await use();
      return;
    }
    const nobody = 65_534;
    const ours = [base, ...readdirSync(base, { recursive: true }).map((path) => join(base, String(path)))];
    for (const path of ours) chownSync(path, nobody, nobody);
    process.seteuid?.(nobody);
    try {
      await use();
    } finally {
      process.seteuid?.(0);
    }
  }

  test('without the right to write', async () => {
    mkdirSync(stateDir, { mode: 0o500 });
    await asNobody(async () => {
      expect((await acquiring()).evidence).toEqual([expect.stringContaining('EACCES')]);
    });
  });

  (asRoot ? test : test.skip)(
    'nor does what another user has written there go, as root by way of sudo: it may be in use',
    async () => {
      await aReadyCluster();
      await asNobody(async () => {
        process.seteuid?.(0);
        chownSync(file(), 0, 0);
        process.seteuid?.(65_534);
        const error = await acquiring();
        expect(error).toMatchObject({
          code: 'STATE_UNUSABLE',
          message: `${file()} is another user’s`,
          evidence: ['it cannot be read (EACCES), and its owner is the user 0'],
        });
      });
      expect(removed).toEqual([]);
      expect(existsSync(file())).toBe(true);
    },
  );

  test('but a state without the right to read is moved aside', async () => {
    await aReadyCluster();
    chmodSync(file(), 0);
    await asNobody(async () => {
      expect(await open('next').acquire(wanted)).toEqual({ role: 'create' });
    });
    expect(existsSync(aside())).toBe(true);
  });
});
