import { randomBytes } from 'node:crypto';

import { localImage, runEngine } from '../../../src/images/engine.js';
import { importImage } from '../../../src/images/import.js';
import { type Detail, silent } from '../../../src/report/index.js';
import { type FaultyRegistry, faultyRegistry, newImage } from '../registry/index.js';
import { docker, forget } from './pulling-process.js';
import { type ScriptedEngine, scriptedEngine } from './scripted-engine.js';

jest.setTimeout(60_000);

const nodes = [{ name: 'a-node' }];
const pulled = new Set<string>();
let registry: FaultyRegistry;

beforeAll(async () => {
  registry = await faultyRegistry();
});

afterAll(async () => {
  await forget(pulled);
  await registry[Symbol.asyncDispose]();
});

/** The real engine, whose node is what a shell script makes of `docker exec`; `before` may answer for the engine. */
const withNode = (node: string, before = ''): ScriptedEngine =>
  scriptedEngine('docker', `${before}\n[ $1 = exec ] || exec docker "$@"\n${node}`);

/** The node's script takes in what comes by its standard input, and does as it is told without any. */
const takesIn = `[ $2 = --interactive ] && exec cat >"$FOLDER/taken"; exit 0`;

function keptImage(): { byTag: string; byDigest: string } {
  const repository = `jest-kubernetes-test/import-${randomBytes(4).toString('hex')}`;
  const image = newImage({ bytes: 100_000 });
  const byTag = registry.keep(repository, image);
  const byDigest = `${registry.host}/${repository}@${image.manifest.digest}`;
  for (const reference of [byTag, byDigest]) pulled.add(reference);
  return { byTag, byDigest };
}

async function onHost(reference: string): Promise<void> {
  const { failed, words } = await runEngine(docker, ['pull', '--quiet', reference]);
  if (failed) throw new Error(words);
}

const importing = (
  reference: string,
  { runtime }: ScriptedEngine,
  signal = new AbortController().signal,
  progress = silent,
) => importImage({ reference }, nodes, { runtime, signal, progress, mirrors: [] });

/** The tags that an image travels under, of this process. */
async function travelling(): Promise<string> {
  const filter = `reference=localhost/jest-kubernetes/import:*-${process.pid}`;
  return (await runEngine(docker, ['images', '--quiet', '--filter', filter])).stdout;
}

describe('an image that was pulled by its digest (the node is simulated)', () => {
  test('is on the host afterwards as it was before, and no tag is left', async () => {
    const { byDigest } = keptImage();
    await onHost(byDigest);
    using engine = withNode(takesIn);
    const moves: (Detail | undefined)[] = [];
    const progress = { ...silent, moved: (detail?: Detail) => moves.push(detail) };
    const imported = await importing(byDigest, engine, undefined, progress);
    expect(imported?.bytes).toBeGreaterThan(100_000);
    // what its files take is known; an archive is more by what is around them
    expect(moves.at(-2)).toEqual({ done: imported?.bytes, total: 100_000 });
    expect(moves.at(-1)).toBe('unpacking');
    expect(await localImage(byDigest, docker)).toBeDefined();
    expect(await travelling()).toBe('');
    expect(engine.calls()).toContainEqual(expect.stringMatching(new RegExp(`images tag .* ${byDigest}$`)));
  });

  test('leaves no tag when the node refuses it', async () => {
    const { byDigest } = keptImage();
    await onHost(byDigest);
    using engine = withNode(`cat >/dev/null; echo 'ctr: unrecognized image format' >&2; exit 1`);
    await expect(importing(byDigest, engine)).rejects.toMatchObject({
      code: 'IMAGE_IMPORT_FAILED',
      message: `${byDigest} could not be imported into the node`,
      evidence: ['ctr: unrecognized image format'],
    });
    expect(await travelling()).toBe('');
    expect(await localImage(byDigest, docker)).toBeDefined();
  });

  test('leaves no tag when it is interrupted', async () => {
    const { byDigest } = keptImage();
    await onHost(byDigest);
    const interruption = new AbortController();
    const reason = new Error('Ctrl-C');
    using engine = withNode('[ $2 = --interactive ] && exec sleep 300; exit 1');
    const progress = {
      ...silent,
      moved: () => {
        interruption.abort(reason);
      },
    };
    const options = { runtime: engine.runtime, signal: interruption.signal, progress, mirrors: [] };
    await expect(importImage({ reference: byDigest }, nodes, options)).rejects.toBe(reason);
    expect(await travelling()).toBe('');
  });

  test('fails when the node does not take its name', async () => {
    const { byDigest } = keptImage();
    await onHost(byDigest);
    using engine = withNode(
      `[ $2 = --interactive ] && exec cat >/dev/null; echo 'ctr: no such image' >&2; exit 1`,
    );
    await expect(importing(byDigest, engine)).rejects.toMatchObject({ evidence: ['ctr: no such image'] });
    expect(await travelling()).toBe('');
  });

  test('is named when it is not there', async () => {
    const { byDigest } = keptImage();
    using engine = withNode(takesIn);
    await expect(importing(byDigest, engine)).rejects.toMatchObject({
      code: 'IMAGE_IMPORT_FAILED',
      message: `${byDigest} could not be imported into the node`,
      evidence: [expect.stringContaining('No such image')],
    });
  });
});

test('what Podman has under a short name gets in the node the one that Kubernetes looks for (Docker stands in for it)', async () => {
  const { byTag } = keptImage();
  await onHost(byTag);
  const short = `jest-kubernetes-test-${randomBytes(4).toString('hex')}:dev`;
  await runEngine(docker, ['tag', byTag, short]);
  pulled.add(short);
  using engine = scriptedEngine('podman', `[ $1 = exec ] || exec docker "$@"\n${takesIn}`);
  expect((await importing(short, engine))?.bytes).toBeGreaterThan(100_000);
  const named = engine.calls().filter((call) => call.includes('images tag'));
  expect(named).toEqual([expect.stringMatching(new RegExp(` localhost/\\S+ docker\\.io/library/${short}$`))]);
  expect(await travelling()).toBe('');
});

describe('of an image that a node has already (the nodes are simulated)', () => {
  const digest = `sha256:${'5'.repeat(64)}`;
  /** As ctr of containerd 1.6 prints it. */
  const row = (name: string, at = digest, status = 'complete (3/3)'): string =>
    `${name} application/vnd.oci.image.manifest.v1+json ${at} ${status}   97.7 KiB/97.7 KiB true `;
  const check = (...rows: readonly string[]): string =>
    `cat <<'END'\n${['REF TYPE DIGEST STATUS SIZE UNPACKED ', ...rows].join('\n')}\nEND\n`;
  const saves = (engine: ScriptedEngine): string[] =>
    engine.calls().filter((call) => call.startsWith('save'));
  const idOf = async (reference: string): Promise<string> => (await localImage(reference, docker))?.id ?? '';

  test('nothing is read or sent', async () => {
    const { byTag, byDigest } = keptImage();
    await onHost(byTag);
    await onHost(byDigest);
    for (const reference of [byTag, byDigest]) {
      using engine = withNode(check(row(reference), row(await idOf(reference))));
      expect(await importing(reference, engine)).toBeUndefined();
      expect(saves(engine)).toEqual([]);
    }
  });

  test('nothing is sent either where the engine calls it by its digest, as those do that keep it in containerd', async () => {
    const { byTag } = keptImage();
    await onHost(byTag);
    using engine = withNode(check(row(byTag, await idOf(byTag))));
    expect(await importing(byTag, engine)).toBeUndefined();
  });

  test.each([
    [
      'an older one of that name',
      (name: string, id: string) => [row(name, `sha256:${'6'.repeat(64)}`), row(id)],
    ],
    ['it under another name alone', (_: string, id: string) => [row(id)]],
    [
      'a part of its layers',
      (name: string, id: string) => [name, id].map((each) => row(each, digest, 'incomplete (2/3)')),
    ],
  ])('it is sent to one that has %s', async (_, rows) => {
    const { byTag } = keptImage();
    await onHost(byTag);
    const found = check(...rows(byTag, await idOf(byTag)));
    using engine = withNode(`[ $2 = --interactive ] && exec cat >"$FOLDER/taken"\n${found}`);
    expect((await importing(byTag, engine))?.bytes).toBeGreaterThan(100_000);
  });

  test('it is sent to the nodes that lack it alone', async () => {
    const { byTag } = keptImage();
    await onHost(byTag);
    const found = check(row(byTag), row(await idOf(byTag)));
    using engine = withNode(
      `[ $2 = --interactive ] && exec cat >/dev/null\n[ $2 = a-node ] || exit 0\n${found}`,
    );
    const options = {
      runtime: engine.runtime,
      signal: new AbortController().signal,
      progress: silent,
      mirrors: [],
    };
    await importImage({ reference: byTag }, [...nodes, { name: 'new-node' }], options);
    expect(engine.calls().filter((call) => call.includes('--interactive'))).toEqual([
      expect.stringContaining('new-node') as string,
    ]);
  });
});

describe('an image travels for its node’s platform alone (the node is simulated)', () => {
  test('where the client is older than the engine, without that option', async () => {
    const { byTag } = keptImage();
    await onHost(byTag);
    using engine = withNode(
      takesIn,
      `[ "$1 $2" = 'save --platform' ] && { echo "unknown flag: --platform
See 'docker save --help'." >&2; exit 125; }`,
    );
    const imported = await importing(byTag, engine);
    expect(imported?.bytes).toBeGreaterThan(100_000);
    expect(engine.calls().filter((call) => call.startsWith('save'))).toEqual([
      `save --platform ${docker.platform} ${byTag}`,
      `save ${byTag}`,
    ]);
  });

  test('one of another platform is told as such', async () => {
    const repository = `jest-kubernetes-test/foreign-${randomBytes(4).toString('hex')}`;
    const reference = registry.keep(repository, newImage({ architecture: 's390x' }));
    pulled.add(reference);
    await onHost(reference);
    // as containerd's ctr does at what is no archive
    using engine = withNode(
      `[ -n "$(head -c 1)" ] || { echo 'ctr: unrecognized image format' >&2; exit 1; }`,
    );
    await expect(importing(reference, engine)).rejects.toMatchObject({
      code: 'IMAGE_PLATFORM',
      message: `${reference} is not an image for ${docker.platform}`,
      evidence: [expect.stringContaining('platform'), 'ctr: unrecognized image format'],
    });
  });
});

test('a node whose disk is full is told as such (the node is simulated)', async () => {
  const { byTag } = keptImage();
  await onHost(byTag);
  const words =
    'ctr: failed to ingest "layer": write /var/lib/containerd/ingest/data: no space left on device';
  using engine = withNode(`head -c 1000 >/dev/null; echo '${words}' >&2; exit 1`);
  await expect(importing(byTag, engine)).rejects.toMatchObject({
    code: 'DISK_FULL',
    message: `The disk is full: ${byTag} could not be stored in the node`,
    evidence: [words],
  });
});
