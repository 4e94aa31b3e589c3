import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { localImage } from '../../../src/images/engine.js';
import { compileSource } from '../leases/compiled.js';
import {
  denied,
  type FaultyRegistry,
  faultyRegistry,
  hangs,
  hangsAfter,
  inPieces,
  newImage,
  notFound,
  rateLimited,
  resets,
  resetsAfter,
  unavailable,
} from '../registry/index.js';
import { docker, forget, type PullingProcess, pullingProcess } from './pulling-process.js';

jest.setTimeout(120_000);

const megabyte = 1_000_000;
const mine = { user: 'reader', password: 'open sesame' };
const pulled = new Set<string>();
let registry: FaultyRegistry;
let basic: FaultyRegistry;
let bearer: FaultyRegistry;
let misled: FaultyRegistry;
let configuration: string;
let source: ReturnType<typeof compileSource>;
let puller: PullingProcess;

beforeAll(async () => {
  [registry, basic, bearer, misled] = await Promise.all([
    faultyRegistry(),
    faultyRegistry({ scheme: 'Basic', ...mine }),
    faultyRegistry({ scheme: 'Bearer', ...mine }),
    faultyRegistry({ scheme: 'Basic', ...mine }),
  ]);
  configuration = mkdtempSync(path.join(tmpdir(), 'docker-config-'));
  const auth = (password: string) => ({ auth: Buffer.from(`${mine.user}:${password}`).toString('base64') });
  const auths = {
    [basic.host]: auth(mine.password),
    [bearer.host]: auth(mine.password),
    [misled.host]: auth('guessed'),
  };
  writeFileSync(path.join(configuration, 'config.json'), JSON.stringify({ auths }));
  source = compileSource();
  puller = pullingProcess(source.folder, { DOCKER_CONFIG: configuration });
});

afterAll(async () => {
  await forget(pulled);
  await Promise.all([registry, basic, bearer, misled].map((each) => each[Symbol.asyncDispose]()));
  await puller[Symbol.asyncDispose]();
  source.remove();
  rmSync(configuration, { recursive: true });
});

type Asked = [asked?: Parameters<PullingProcess['pull']>[1]];

/** A repository's name that no other test, and no other run, has. */
const unique = (what: string) => `jest-kubernetes-test/${what}-${randomBytes(4).toString('hex')}`;

async function pull(reference: string, ...asked: Asked) {
  pulled.add(reference);
  const { error, result, ...told } = await puller.pull(reference, ...asked);
  if (result === undefined) throw new Error(`${error?.code ?? ''} ${error?.message ?? ''}`);
  return { ...result, ...told };
}

async function failing(reference: string, ...asked: Asked) {
  pulled.add(reference);
  const { error, ...told } = await puller.pull(reference, ...asked);
  if (error === undefined) throw new Error(`${reference} was pulled`);
  expect(await localImage(reference, docker)).toBeUndefined();
  return { error, ...told };
}

const requests = (repository: string, part: 'manifests' | 'blobs', of = registry) =>
  of.seen.filter(({ path: asked }) => asked.startsWith(`/v2/${repository}/${part}/`));

describe('an image is brought to the host', () => {
  test('once: it is asked for no more when it is there', async () => {
    const repository = unique('once');
    const reference = registry.keep(repository);
    const first = await pull(reference);
    expect(first).toMatchObject({ alreadyThere: false, from: registry.host });
    expect(await localImage(reference, docker)).toMatchObject({ id: first.id });

    const asked = requests(repository, 'manifests').length;
    expect(await pull(reference)).toMatchObject({ alreadyThere: true, id: first.id });
    expect(requests(repository, 'manifests')).toHaveLength(asked);
  });

  test('telling how much of it has come', async () => {
    const repository = unique('large');
    const reference = registry.keep(repository, newImage({ bytes: 4 * megabyte }));
    registry.next(repository, 'blobs', inPieces(4, 200));
    const { moves, bytes } = await pull(reference);
    const told = moves.filter((move) => typeof move === 'object');
    expect(told.length).toBeGreaterThan(2);
    // of random bytes a gzip is a little larger; it never goes back, and is all of it in the end
    expect(new Set(told.map(({ total }) => total))).toEqual(new Set([bytes]));
    expect(bytes).toBeGreaterThan(4 * megabyte);
    const amounts = told.map(({ done }) => done);
    expect(amounts).toEqual(amounts.toSorted((a, b) => a - b));
    expect(amounts.at(-1)).toBe(bytes);
  });

  test('however slowly it comes, as long as something comes', async () => {
    const repository = unique('slow');
    const reference = registry.keep(repository, newImage({ bytes: megabyte }));
    registry.next(repository, 'blobs', inPieces(30, 250));
    const limits = { stall: 8000, total: 1_800_000 };
    const started = performance.now();
    await expect(pull(reference, { limits })).resolves.toMatchObject({ alreadyThere: false });
    // longer than nothing may come: it was the bytes that counted
    expect(performance.now() - started).toBeGreaterThan(limits.stall / 2);
  });

  test('by its digest', async () => {
    const repository = unique('digest');
    const image = newImage();
    registry.keep(repository, image);
    const reference = `${registry.host}/${repository}@${image.manifest.digest}`;
    await expect(pull(reference)).resolves.toMatchObject({ alreadyThere: false });
    await expect(pull(reference)).resolves.toMatchObject({ alreadyThere: true });
  });
});

describe('what fails in passing is tried again', () => {
  test('503 for a moment, and then it works', async () => {
    const repository = unique('unavailable-for-a-moment');
    const reference = registry.keep(repository);
    // one attempt of an engine asks once or twice
    registry.next(repository, 'manifests', unavailable, unavailable, unavailable);
    const { notes } = await pull(reference);
    expect(notes.length).toBeGreaterThan(0);
    expect(new Set(notes)).toEqual(
      new Set([`${registry.host} failed to deliver ${reference}: trying again`]),
    );
  });

  test('a connection that is reset, and then it works', async () => {
    const repository = unique('reset-once');
    const reference = registry.keep(repository);
    registry.next(repository, 'manifests', resets);
    const { notes } = await pull(reference);
    expect(notes).toEqual([
      `The connection to ${registry.host} broke while ${reference} was pulled: trying again`,
    ]);
  });

  test('a connection that is reset in the middle of a layer, by the engine itself', async () => {
    const repository = unique('reset-in-layer');
    const reference = registry.keep(repository, newImage({ bytes: 3 * megabyte }));
    registry.next(repository, 'blobs', resetsAfter(megabyte));
    await expect(pull(reference)).resolves.toMatchObject({ alreadyThere: false });
    expect(requests(repository, 'blobs').length).toBeGreaterThan(2);
  });

  test('but not for ever: after four times the registry is named', async () => {
    const repository = unique('unavailable');
    const reference = registry.keep(repository);
    registry.always(repository, 'manifests', unavailable);
    const { error, notes } = await failing(reference);
    expect(error).toMatchObject({
      code: 'IMAGE_PULL_FAILED',
      message: `${registry.host} failed to deliver ${reference}`,
      evidence: ['received unexpected HTTP status: 503 Service Unavailable'],
    });
    expect(notes).toHaveLength(3);
  });
});

describe('what will not change is told at once', () => {
  test('an image that does not exist', async () => {
    const { error, notes } = await failing(`${registry.host}/${unique('missing')}:17`);
    expect(error).toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    expect(error.message).toMatch(
      /^127\.0\.0\.1:\d+ has no image jest-kubernetes-test\/missing-\w+ with the tag 17$/,
    );
    expect(notes).toEqual([]);
  });

  test('a tag that does not exist', async () => {
    const repository = unique('no-such-tag');
    const reference = registry.keep(repository);
    registry.always(repository, 'manifests', notFound);
    expect((await failing(reference)).error).toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: `${registry.host} has no image ${repository} with the tag test`,
    });
  });

  test('access denied', async () => {
    const repository = unique('denied');
    const reference = registry.keep(repository);
    registry.always(repository, 'manifests', denied);
    const { error, notes } = await failing(reference);
    expect(error).toMatchObject({
      code: 'IMAGE_UNAUTHORIZED',
      remedy: `docker login ${registry.host}, with an account that may pull it`,
    });
    expect(notes).toEqual([]);
  });

  test.each(['manifests', 'blobs'] as const)('a rate limit, on its %s', async (part) => {
    const repository = unique('rate-limit');
    const reference = registry.keep(repository);
    registry.always(repository, part, rateLimited);
    const { error, notes } = await failing(reference);
    expect(error).toMatchObject({
      code: 'IMAGE_RATE_LIMITED',
      message: `${registry.host} limits how often images are pulled, and refused ${reference}`,
      evidence: [
        expect.stringContaining('toomanyrequests: You have reached your unauthenticated pull rate limit'),
      ],
    });
    expect(notes).toEqual([]);
    // an image of another registry is not looked for at Docker Hub's mirrors
    const mirrored = await failing(reference, { mirrors: [basic.host] });
    expect(mirrored.error).toMatchObject({ code: 'IMAGE_RATE_LIMITED' });
    expect(mirrored.notes).toEqual([]);
  });

  test('a registry whose name nobody knows', async () => {
    expect((await failing('registry.invalid/team/app:1')).error).toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: 'The name of the registry registry.invalid cannot be resolved (DNS)',
      evidence: [expect.stringContaining('lookup registry.invalid')],
    });
  });

  test('a registry that does not run', async () => {
    const gone = await faultyRegistry();
    await gone[Symbol.asyncDispose]();
    expect((await failing(`${gone.host}/team/app:1`)).error).toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: `The registry ${gone.host} cannot be reached`,
      evidence: [expect.stringContaining('connection refused')],
    });
  });

  test('an image for another platform, which an engine pulls without a word', async () => {
    const reference = registry.keep(unique('foreign'), newImage({ architecture: 's390x' }));
    pulled.add(reference);
    const refused = {
      code: 'IMAGE_PLATFORM',
      message: `${reference} is an image for linux/s390x, and the cluster's nodes are ${docker.platform}`,
    };
    const first = await puller.pull(reference);
    expect(first.error).toMatchObject({ ...refused, evidence: ['the registry has no other'] });
    const second = await puller.pull(reference);
    expect(second.error).toMatchObject({
      ...refused,
      remedy: expect.stringContaining(`docker pull --platform ${docker.platform} ${reference}`) as string,
    });
  });
});

describe('credentials are those of the Docker configuration', () => {
  const login = `Basic ${Buffer.from(`${mine.user}:${mine.password}`).toString('base64')}`;

  test('they reach a registry that asks for them', async () => {
    const repository = unique('private');
    await expect(pull(basic.keep(repository))).resolves.toMatchObject({ from: basic.host });
    const [manifest] = requests(repository, 'manifests', basic).slice(-1);
    expect(manifest).toMatchObject({ authorization: login });
  });

  test('they reach the token endpoint that a registry names', async () => {
    const repository = unique('private');
    await expect(pull(bearer.keep(repository))).resolves.toMatchObject({ from: bearer.host });
    expect(bearer.seen).toContainEqual({ method: 'GET', path: '/token', authorization: login });
  });

  test('without any, the registry that wants them is named', async () => {
    await using stranger = await faultyRegistry({ scheme: 'Basic', ...mine });
    const reference = stranger.keep(unique('private'));
    const { error, notes } = await failing(reference);
    expect(error).toMatchObject({
      code: 'IMAGE_UNAUTHORIZED',
      message: `${stranger.host} wants credentials for ${reference}, or others than it was given`,
      remedy: `docker login ${stranger.host}, with an account that may pull it`,
    });
    expect(notes).toEqual([]);
  });

  test('without any, a token for strangers does not help', async () => {
    await using stranger = await faultyRegistry({ scheme: 'Bearer', ...mine });
    expect((await failing(stranger.keep(unique('private')))).error).toMatchObject({
      code: 'IMAGE_UNAUTHORIZED',
    });
    expect(stranger.seen).toContainEqual({ method: 'GET', path: '/token', authorization: undefined });
  });

  test('the wrong ones are told as such', async () => {
    const { error } = await failing(misled.keep(unique('private')));
    expect(error).toMatchObject({ code: 'IMAGE_UNAUTHORIZED' });
    expect(misled.seen.filter(({ authorization }) => authorization !== undefined)).not.toEqual([]);
  });
});

describe('a pull does not wait for ever', () => {
  const limits = { stall: 3000, total: 1_800_000 };

  test('when bytes stop coming, it says how many came', async () => {
    const repository = unique('stuck');
    const reference = registry.keep(repository, newImage({ bytes: 4 * megabyte }));
    registry.always(repository, 'blobs', hangsAfter(megabyte));
    const { error } = await failing(reference, { limits });
    expect(error).toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: `${registry.host} sends nothing more of ${reference}`,
      evidence: [
        expect.stringMatching(/^timed out: nothing came for 1\.5 s, after [\d.]+ (kB|MB) of 4\.0 MB$/),
      ],
    });
  });

  test('when a registry never answers, it says so', async () => {
    const repository = unique('silent');
    const reference = registry.keep(repository);
    registry.always(repository, 'manifests', hangs);
    expect((await failing(reference, { limits })).error).toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: `The registry ${registry.host} did not answer in time`,
      evidence: ['timed out: nothing came for 1.5 s'],
    });
  });

  test.each([
    ['while the registry is silent', 'manifests', hangs],
    ['in the middle of a layer', 'blobs', hangsAfter(megabyte)],
    ['between two attempts', 'manifests', unavailable],
  ] as const)('interrupted %s, it ends with the reason of its signal', async (_when, part, fault) => {
    const repository = unique('interrupted');
    const reference = registry.keep(repository, newImage({ bytes: 4 * megabyte }));
    pulled.add(reference);
    const asked = new Promise<void>((resolve) => {
      registry.always(repository, part, (...request) => {
        fault(...request);
        resolve();
      });
    });
    const pulling = puller.pull(reference);
    await asked;
    pulling.interrupt('Ctrl-C');
    expect((await pulling).error).toMatchObject({ name: 'Error', message: 'Ctrl-C' });
    expect(await localImage(reference, docker)).toBeUndefined();
  });
});
