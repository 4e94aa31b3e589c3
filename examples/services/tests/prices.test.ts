import { exec } from 'jest-kubernetes';
import { createClient, type RedisClientType } from 'redis';

import { Prices } from '../src/prices';

const cache: RedisClientType = createClient({ url: process.env.REDIS_URL });
let prices: Prices;

beforeAll(async () => {
  await cache.connect();
  // one Redis for all workers: each has a database of its own, as Redis has sixteen
  await cache.select(Number(process.env.JEST_WORKER_ID));
});
beforeEach(async () => {
  await cache.flushDb();
  prices = new Prices(cache, process.env.PRICES_URL ?? '');
});
afterAll(() => cache.close());

test('the service is asked once, and Redis then', async () => {
  expect(await prices.of('pencil')).toBe(42);
  expect(await prices.of('pencil')).toBe(42);
  expect(prices.asked).toBe(1);
  expect(await cache.ttl('price:pencil')).toBeGreaterThan(50);
});

test('what has no price is not remembered', async () => {
  await expect(prices.of('unicorn')).rejects.toThrow('no price for unicorn: 404');
  expect(await cache.dbSize()).toBe(0);
});

test('pods find Redis by its name', async () => {
  const { stdout } = await exec('deployment/redis', ['redis-cli', '-h', 'redis.jest-kubernetes', 'ping'], {
    namespace: 'jest-kubernetes',
  });
  expect(stdout.trim()).toBe('PONG');
});
