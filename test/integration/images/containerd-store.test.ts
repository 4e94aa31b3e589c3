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
/** This machine's own engine, before the same node. */
let hostEngine: ScriptedEngine;

/** @param before - of a shell, to answer for the node's containerd */
const engineOf = (env: NodeJS.ProcessEnv, before = ''): ScriptedEngine => {
  const made = scriptedEngine(
    'docker',
    `[ "$1" = exec ] || exec docker "$@"
    ${before}
    while [ "$1" != a-node ]; do shift; done
    shift
    exec "$@"`,
  );
  Object.assign(made.runtime.env, { ...env, ...made.runtime.env });
  return made;
};

beforeAll(async () => {
  [beside, registry] = await Promise.all([containerdEngine('images'), faultyRegistry()]);
  engine = engineOf({ DOCKER_HOST: beside.host, CONTAINERD_ADDRESS: beside.containerd });
  hostEngine = engineOf({ CONTAINERD_ADDRESS: beside.containerd });
});
afterAll(async () => {
  engine[Symbol.dispose]();
  hostEngine[Symbol.dispose]();
  await Promise.all([registry[Symbol.asyncDispose](), beside[Symbol.asyncDispose]()]);
});

const options = () => ({
  runtime: engine.runtime,
  signal: new AbortController().signal,
  progress: silent,
  mirrors: [],
});
const nodes = [{ name: 'a-node' }];
const importing = (reference: string) => importImage({ reference }, nodes, options());
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
    const tag = `${unique('built')}:test`;
    await build(tag, 'FROM scratch\nCOPY content /content\n', 'one');
    await importing(tag);
    const first = await inNode(`docker.io/${tag}`);
    expect(first.whole).toBe(true);
    expect(await importing(tag)).toBeUndefined();
    await build(tag, 'FROM scratch\nCOPY content /content\n', 'two');
    await importing(tag);
    const second = await inNode(`docker.io/${tag}`);
    expect(second.whole).toBe(true);
    expect(second.digest).not.toBe(first.digest);
  });
});

describe.each([
  ['in files of its own', () => hostEngine],
  ['in containerd', () => engine],
])('of an image from an engine that keeps them %s', (_, from) => {
  let base: string;
  let tag: string;
  const child = async (content: string): Promise<void> =>
    build(tag, `FROM ${base}\nCOPY content /added\n`, content, from());
  const sending = (reference = tag, runtime = from().runtime) =>
    importImage({ reference }, nodes, { ...options(), runtime });
  beforeAll(async () => {
    base = registry.keep(unique('base'), newImage({ bytes: 1_000_000 }));
    tag = `${unique('child')}:test`;
    const { failed, words } = await runEngine(from().runtime, ['pull', '--quiet', base]);
    if (failed) throw new Error(words);
    expect((await sending(base))?.bytes).toBeGreaterThan(1_000_000);
  });
  afterAll(async () => {
    await runEngine(from().runtime, ['rmi', '--force', base, tag]);
  });

  test('a layer that the node has is not sent again', async () => {
    await child('one');
    expect((await sending())?.bytes).toBeLessThan(100_000);
    expect(await inNode(`docker.io/${tag}`)).toMatchObject({ whole: true });
  });

  test('all of it is sent, where the node has lost a layer since it was asked', async () => {
    await child('two');
    const { stdout } = await runEngine(from().runtime, ['save', tag], {});
    // what it says that it has: all that there is in the archive
    const digests = [...stdout.matchAll(/blobs\/sha256\/([0-9a-f]{64})/g)].map(
      ([, hash]) => `sha256:${hash}`,
    );
    using liar = engineOf(
      from().runtime.env,
      `case "$*" in *"content ls"*) echo '${digests.join('\n')}'; exit;; esac`,
    );
    expect((await sending(tag, liar.runtime))?.bytes).toBeGreaterThan(1_000_000);
    expect(await inNode(`docker.io/${tag}`)).toMatchObject({ whole: true });
  });
});

/** Builds an image of a context that holds one file, `content`. */
async function build(tag: string, dockerfile: string, content: string, from = engine): Promise<void> {
  const context = mkdtempSync(path.join(tmpdir(), 'built-'));
  const rest = { args: {}, target: undefined, push: undefined };
  try {
    writeFileSync(path.join(context, 'Dockerfile'), dockerfile);
    writeFileSync(path.join(context, 'content'), content);
    const source = { kind: 'build' as const, context, dockerfile: 'Dockerfile', tag, ...rest };
    const limits = { stall: 60_000, total: 600_000 };
    await buildImage(source, { ...options(), runtime: from.runtime, limits });
  } finally {
    rmSync(context, { recursive: true });
  }
}
