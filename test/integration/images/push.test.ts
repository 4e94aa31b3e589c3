import { localImageId } from '../../../src/images/engine.js';
import { compileSource } from '../leases/compiled.js';
import { denied, type FaultyRegistry, faultyRegistry, newImage } from '../registry/index.js';
import { docker, forget, type PullingProcess, pullingProcess } from './pulling-process.js';

jest.setTimeout(120_000);

let registry: FaultyRegistry;
let source: ReturnType<typeof compileSource>;
let pusher: PullingProcess;
/** An image of this host, with one layer of a megabyte. */
let image: string;
const known = new Set<string>();

beforeAll(async () => {
  registry = await faultyRegistry();
  source = compileSource();
  pusher = pullingProcess(source.folder, {});
  image = registry.keep('push/source', newImage({ bytes: 1_000_000 }));
  known.add(image);
  expect((await pusher.pull(image)).error).toBeUndefined();
});

afterAll(async () => {
  await forget(known);
  await pusher[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
  source.remove();
});

test('an image gets another name in the registry, which it does not keep on this host', async () => {
  const to = `${registry.host}/team/app:v1`;
  const { error, moves } = await pusher.push(image, to);
  expect(error).toBeUndefined();
  expect(registry.pushed('team/app:v1')).toMatchObject({ layers: [expect.anything()] });
  const told = moves.filter((move) => typeof move === 'object');
  expect(told.some(({ done, total = 0 }) => done > 0 && total >= done)).toBe(true);
  expect(await localImageId(to, docker)).toBeUndefined();
  expect(await localImageId(image, docker)).toBeDefined();
});

test('one that has that name already keeps it', async () => {
  const { error } = await pusher.push(image, image);
  expect(error).toBeUndefined();
  expect(registry.pushed('push/source:test')).toMatchObject({ layers: [expect.anything()] });
  expect(await localImageId(image, docker)).toBeDefined();
});

test('a registry that refuses is told in its own words, with the command to try', async () => {
  const to = `${registry.host}/denied/app:v1`;
  // the manifest comes last: a refused layer is tried again by the engine, for most of a minute
  registry.always('denied/app', 'manifests', denied);
  const { error } = await pusher.push(image, to);
  expect(error).toMatchObject({
    code: 'IMAGE_PUSH_FAILED',
    message: `${image} could not be pushed to ${to}`,
    evidence: [expect.stringMatching(/denied/)],
    remedy: `Try it by hand: docker push ${to}`,
  });
  expect(await localImageId(to, docker)).toBeUndefined();
});

test('an image that this host does not have is said not to be there', async () => {
  const { error } = await pusher.push('nowhere/to-be-found:1', `${registry.host}/team/nowhere:1`);
  expect(error).toMatchObject({
    code: 'IMAGE_PUSH_FAILED',
    evidence: ['docker has no image nowhere/to-be-found:1'],
  });
});
