import { type LayerLine, Layers } from '../../../src/images/layers.js';

const line = (id: string, status: string, current?: number, total?: number): LayerLine => ({
  ...{ id, status },
  progressDetail: {
    ...(current === undefined ? {} : { current }),
    ...(total === undefined ? {} : { total }),
  },
});

function after(...lines: LayerLine[]): Layers {
  const layers = new Layers();
  for (const each of lines) layers.see(each);
  return layers;
}

const both = [line('a', 'Pulling fs layer'), line('b', 'Pulling fs layer')];

test('of an image nothing is told before its first byte, and its own lines are no layer', () => {
  const layers = after({ id: '8-alpine', status: 'Pulling from library/redis' }, ...both);
  expect(layers.detail).toBeUndefined();
  layers.see(line('a', 'Downloading', 10, 100));
  layers.see(line('b', 'Downloading', 5, 50));
  expect(layers.detail).toEqual({ done: 15, total: 150 });
});

test('as long as one layer’s size is not known, there is no total that would grow', () => {
  const layers = after(...both, line('b', 'Waiting'), line('a', 'Downloading', 90, 100));
  expect(layers.bytes).toEqual({ done: 90, total: undefined });
  layers.see(line('b', 'Downloading', 1, 900));
  expect(layers.bytes).toEqual({ done: 91, total: 1000 });
});

test('a layer that is announced late takes the total back until its size is known', () => {
  const layers = after(line('a', 'Downloading', 50, 100), line('c', 'Pulling fs layer'));
  expect(layers.bytes).toEqual({ done: 50, total: undefined });
  layers.see(line('c', 'Already exists'));
  expect(layers.bytes).toEqual({ done: 50, total: 100 });
});

test('a size that the engine does not know is none, and one that it has sent is all of it', () => {
  const layers = after(line('a', 'Downloading', 50, -1));
  expect(layers.bytes).toEqual({ done: 50, total: undefined });
  layers.see(line('a', 'Download complete'));
  expect(layers.bytes).toEqual({ done: 50, total: 50 });
});

test('what has come is unpacked, by as many bytes', () => {
  const layers = after(...both, line('a', 'Downloading', 60, 100), line('a', 'Download complete'));
  layers.see(line('a', 'Extracting', 40, 100));
  layers.see(line('b', 'Downloading', 10, 50));
  expect(layers.detail).toEqual({ done: 110, total: 150 });
  layers.see(line('b', 'Verifying Checksum'));
  expect(layers.detail).toBe('unpacking, 40 B of 150 B');
  layers.see(line('a', 'Pull complete'));
  layers.see(line('b', 'Extracting', 3));
  expect(layers.detail).toBe('unpacking, 100 B of 150 B');
});

test('of what is pushed more may go than was said, and layers that are there count for nothing', () => {
  const layers = after(line('a', 'Preparing'), line('b', 'Preparing'), line('c', 'Preparing'));
  layers.see(line('a', 'Pushing', 120, 100));
  layers.see(line('b', 'Layer already exists'));
  layers.see(line('c', 'Mounted from library/redis'));
  expect(layers.detail).toEqual({ done: 120, total: 120 });
  layers.see(line('a', 'Pushed'));
  expect(layers.detail).toEqual({ done: 120, total: 120 });
});
