import { randomBytes } from 'node:crypto';

import { imageHere, localImage } from '../../../src/images/engine.js';
import { compileSource } from '../leases/compiled.js';
import { type FaultyRegistry, faultyRegistry, newImage, notFound } from '../registry/index.js';
import { dies, type EngineProxy, engineProxy, failsWith, refuses, waits } from './engine-proxy.js';
import { docker, forget, type PullingProcess, pullingProcess } from './pulling-process.js';

jest.setTimeout(60_000);

// what Docker Engine 28 answers of Docker Hub
const rateLimit =
  'toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit';
const limited = refuses(429, rateLimit);
const timedOut = refuses(
  500,
  'Get "https://registry-1.docker.io/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
);

let engine: EngineProxy;
let first: FaultyRegistry;
let second: FaultyRegistry;
let source: ReturnType<typeof compileSource>;
let puller: PullingProcess;
const pulled = new Set<string>();

beforeAll(async () => {
  [engine, first, second] = await Promise.all([engineProxy(), faultyRegistry(), faultyRegistry()]);
  source = compileSource();
  puller = pullingProcess(source.folder, { DOCKER_HOST: engine.host });
});

afterAll(async () => {
  await puller[Symbol.asyncDispose]();
  source.remove();
  await forget(pulled);
  await Promise.all([engine, first, second].map((each) => each[Symbol.asyncDispose]()));
});

/** An image of Docker Hub that no other test, and no other run, has. */
function unique(): { name: string; reference: string; atHub: string } {
  const name = `jest-kubernetes-test-${randomBytes(4).toString('hex')}`;
  const reference = `${name}:test`;
  for (const host of ['', `${first.host}/library/`, `${second.host}/docker/library/`])
    pulled.add(`${host}${reference}`);
  return { name, reference, atHub: `docker.io/library/${name}` };
}

const mirrors = () => [first.host, `${second.host}/docker`];

describe('where Docker Hub (simulated, in front of the real engine) does not deliver, its mirrors do', () => {
  test.each([
    ['limits the rate', limited, /^docker\.io limits how often images are pulled, and refused \S+; trying /],
    ['does not answer the engine', timedOut, /^The registry docker\.io did not answer in time; trying /],
    ['never answers', waits, /^The registry docker\.io did not answer in time; trying /],
  ])('when it %s: the first of them, and says so', async (_when, answer, says) => {
    const { name, reference, atHub } = unique();
    engine.answers(atHub, answer);
    first.keep(`library/${name}`);
    second.keep(`docker/library/${name}`);
    const limits = { stall: 4000, total: 60_000 };
    const { result, notes } = await puller.pull(reference, { mirrors: mirrors(), limits });

    expect(result).toMatchObject({ alreadyThere: false, from: first.host });
    expect(notes).toEqual([expect.stringMatching(says)]);
    expect(notes[0]).toMatch(new RegExp(`trying ${first.host}$`));
    // under its own name, for whatever is deployed asks for that
    expect(await localImage(reference, docker)).toMatchObject({ id: result?.id });
    expect(second.seen.filter(({ path }) => path.includes(name))).toEqual([]);
    expect(await puller.pull(reference)).toMatchObject({ result: { alreadyThere: true } });
  });

  test('by its digest too: it keeps the mirror’s name here, and is known by it', async () => {
    const { name, atHub } = unique();
    const image = newImage();
    const { digest } = image.manifest;
    engine.answers(atHub, limited);
    first.keep(`library/${name}`, image);
    const reference = `${name}@${digest}`;
    const { result } = await puller.pull(reference, { mirrors: mirrors() });
    pulled.add(`${first.host}/library/${reference}`);

    expect(result).toMatchObject({ alreadyThere: false, from: first.host });
    expect((await imageHere(reference, mirrors(), docker))?.name).toBe(`${first.host}/library/${reference}`);
    expect(await puller.pull(reference, { mirrors: mirrors() })).toMatchObject({
      result: { alreadyThere: true, id: result?.id },
    });
  });

  test('the second, when the first does not have the image', async () => {
    const { name, reference, atHub } = unique();
    engine.answers(atHub, limited);
    second.keep(`docker/library/${name}`);
    const { result, notes } = await puller.pull(reference, { mirrors: mirrors() });

    expect(result).toMatchObject({ from: `${second.host}/docker` });
    expect(notes).toHaveLength(2);
    expect(engine.asked.filter((asked) => asked.endsWith(name))).toEqual([
      atHub,
      `${first.host}/library/${name}`,
      `${second.host}/docker/library/${name}`,
    ]);
    expect(await localImage(reference, docker)).toBeDefined();
  });

  test('none of them: the error is that of Docker Hub, and tells what each mirror said', async () => {
    const { name, reference, atHub } = unique();
    engine.answers(atHub, limited);
    first.always(`library/${name}`, 'manifests', notFound);
    const { error } = await puller.pull(reference, { mirrors: mirrors() });
    expect(error).toMatchObject({
      code: 'IMAGE_RATE_LIMITED',
      message: `docker.io limits how often images are pulled, and refused ${atHub}:test`,
      evidence: [
        rateLimit,
        `${first.host}: ${first.host} has no image library/${name} with the tag test`,
        `${second.host}/docker: ${second.host} has no image docker/library/${name} with the tag test`,
      ],
    });
  });

  test('an image of another platform is not taken from a mirror either', async () => {
    const { name, reference, atHub } = unique();
    engine.answers(atHub, limited);
    first.keep(`library/${name}`, newImage({ architecture: 's390x' }));
    const { error } = await puller.pull(reference, { mirrors: [first.host] });
    expect(error?.evidence?.at(-1)).toMatch(/is an image for linux\/s390x/);
  });
});

describe('no mirror is asked', () => {
  test('when the option is an empty list', async () => {
    const { reference, atHub } = unique();
    engine.answers(atHub, limited);
    const { error, notes } = await puller.pull(reference, { mirrors: [] });
    expect(error).toMatchObject({ code: 'IMAGE_RATE_LIMITED', evidence: [rateLimit] });
    expect(error?.remedy).toContain('name a mirror in the option mirrors');
    expect(notes).toEqual([]);
  });

  test('for an image that Docker Hub does not have: a mirror would not have it either', async () => {
    const { name, reference, atHub } = unique();
    engine.answers(
      atHub,
      refuses(404, `pull access denied for ${name}, repository does not exist or may require 'docker login'`),
    );
    const { error, notes } = await puller.pull(reference, { mirrors: mirrors() });
    expect(error).toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    expect(notes).toEqual([]);
  });

  test('for an image that is not one of Docker Hub’s official ones: its name is told to nobody else', async () => {
    const { name, atHub } = unique();
    const own = `acme/${name}`;
    engine.answers(atHub.replace('library', 'acme'), limited);
    const { error, notes } = await puller.pull(`${own}:test`, { mirrors: mirrors() });
    expect(error).toMatchObject({ code: 'IMAGE_RATE_LIMITED', evidence: [rateLimit] });
    expect(notes).toEqual([]);
    expect([...first.seen, ...second.seen].filter(({ path }) => path.includes(name))).toEqual([]);
  });
});

describe('what is wrong with the engine itself (simulated, in front of the real one)', () => {
  test('its disk is full: neither another attempt nor a mirror helps', async () => {
    const { name, reference, atHub } = unique();
    const words = 'failed to register layer: write /usr/lib/postgresql/bin/postgres: no space left on device';
    engine.answers(atHub, failsWith(words));
    const { error, notes } = await puller.pull(reference, { mirrors: mirrors() });
    expect(error).toMatchObject({
      code: 'DISK_FULL',
      message: `The disk is full: ${atHub}:test could not be stored`,
      evidence: [words],
    });
    expect(error?.remedy).toContain('docker system prune');
    expect(notes).toEqual([]);
    expect(engine.asked.filter((asked) => asked.endsWith(name))).toHaveLength(1);
  });

  test('it ends in the middle of a pull', async () => {
    const { reference, atHub } = unique();
    engine.answers(atHub, dies);
    const { error, notes } = await puller.pull(reference, { mirrors: mirrors() });
    expect(error).toMatchObject({ code: 'RUNTIME_NOT_ANSWERING', remedy: 'See that it runs: docker info' });
    expect(error?.message).toMatch(/^The container engine went away while it pulled /);
    expect(notes).toEqual([]);
  });
});
