import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { execa } from 'execa';

import { buildImage } from '../../../src/images/build.js';
import { localImageId, runEngine } from '../../../src/images/engine.js';
import { importImage } from '../../../src/images/import.js';
import { silent } from '../../../src/report/index.js';
import { type ContainerdEngine, containerdEngine } from '../../engines/containerd-engine.js';
import { type FaultyRegistry, faultyRegistry, newImage, pushIndex } from '../registry/index.js';
import { type ScriptedEngine, scriptedEngine } from './scripted-engine.js';

jest.setTimeout(60_000);

/**
 * An engine that keeps its images in containerd, as Docker 29 does where it is new. Its containerd, in the namespace of
 * the kubelet, stands for a node's: a real one takes in what the engine saves.
 */
let beside: ContainerdEngine;
let registry: FaultyRegistry;
let engine: ScriptedEngine;
beforeAll(async () => {
  [beside, registry] = await Promise.all([containerdEngine('images'), faultyRegistry()]);
  engine = scriptedEngine(
    'docker',
    `[ "$1" = exec ] || exec docker "$@"
    while [ "$1" != a-node ]; do shift; done
    shift
    exec "$@"`,
  );
  Object.assign(engine.runtime.env, { DOCKER_HOST: beside.host, CONTAINERD_ADDRESS: beside.containerd });
});
afterAll(async () => {
  engine[Symbol.dispose]();
  await Promise.all([registry[Symbol.asyncDispose](), beside[Symbol.asyncDispose]()]);
});

const options = () => ({
  runtime: engine.runtime,
  signal: new AbortController().signal,
  progress: silent,
  limits: { stall: 60_000, total: 600_000 },
});
const importing = (reference: string) => importImage({ reference }, [{ name: 'a-node' }], options());
const unique = (what: string): string => `jest-kubernetes-test/${what}-${randomBytes(4).toString('hex')}`;

async function onHost(reference: string): Promise<void> {
  const { failed, words } = await runEngine(engine.runtime, ['pull', '--quiet', reference]);
  if (failed) throw new Error(words);
}

/** What the node's containerd says of an image: which manifest it is, and whether all of it is there and unpacked. */
async function inNode(name: string): Promise<{ digest?: string; whole: boolean }> {
  const check = ['--namespace=k8s.io', 'images', 'check', `name==${name}`];
  const { stdout } = await execa('ctr', check, { env: engine.runtime.env });
  const [, , digest, ...rest] = stdout.split('\n')[1]?.split(/ +/) ?? [];
  return { ...(digest && { digest }), whole: rest.includes('complete') && rest.includes('true') };
}

async function severalPlatforms(): Promise<{ repository: string; index: string; own: string }> {
  const repository = unique('several');
  const own = newImage({ bytes: 100_000 });
  const index = await pushIndex(registry.host, repository, 'test', own);
  return { repository: `${registry.host}/${repository}`, index, own: own.manifest.digest };
}

describe('from an engine that keeps its images in containerd, a node takes in', () => {
  test('an image of one platform, once', async () => {
    const image = newImage({ bytes: 100_000 });
    const reference = registry.keep(unique('single'), image);
    await onHost(reference);
    expect((await importing(reference))?.bytes).toBeGreaterThan(100_000);
    expect(await inNode(reference)).toEqual({ digest: image.manifest.digest, whole: true });
    expect(await importing(reference)).toBeUndefined();
  });

  test('its own of an image of several platforms, once, where the engine’s id is that of the index', async () => {
    const { repository, index, own } = await severalPlatforms();
    const reference = `${repository}:test`;
    await onHost(reference);
    expect(await localImageId(reference, engine.runtime)).toBe(index);
    expect((await importing(reference))?.bytes).toBeGreaterThan(100_000);
    expect(await inNode(reference)).toEqual({ digest: own, whole: true });
    expect(await importing(reference)).toBeUndefined();
  });

  test('one that was pulled by the digest of its index, under that name, and no tag is left', async () => {
    const { repository, index, own } = await severalPlatforms();
    const reference = `${repository}@${index}`;
    await onHost(reference);
    expect((await importing(reference))?.bytes).toBeGreaterThan(100_000);
    expect(await inNode(reference)).toEqual({ digest: own, whole: true });
    expect(await importing(reference)).toBeUndefined();
    expect(await localImageId(reference, engine.runtime)).toBe(index);
    const { stdout } = await runEngine(engine.runtime, [
      'images',
      '--quiet',
      'localhost/jest-kubernetes/import',
    ]);
    expect(stdout).toBe('');
  });

  test('one that was built there, and again when it is another', async () => {
    const context = mkdtempSync(path.join(tmpdir(), 'built-'));
    const tag = `${unique('built')}:test`;
    const build = async (content: string): Promise<void> => {
      writeFileSync(path.join(context, 'Dockerfile'), 'FROM scratch\nCOPY content /content\n');
      writeFileSync(path.join(context, 'content'), content);
      const source = {
        kind: 'build' as const,
        context,
        dockerfile: 'Dockerfile',
        tag,
        args: {},
        target: undefined,
        push: undefined,
      };
      await buildImage(source, options());
    };
    try {
      await build('one');
      await importing(tag);
      const first = await inNode(`docker.io/${tag}`);
      expect(first.whole).toBe(true);
      expect(await importing(tag)).toBeUndefined();
      await build('two');
      await importing(tag);
      const second = await inNode(`docker.io/${tag}`);
      expect(second.whole).toBe(true);
      expect(second.digest).not.toBe(first.digest);
    } finally {
      rmSync(context, { recursive: true });
    }
  });
});
