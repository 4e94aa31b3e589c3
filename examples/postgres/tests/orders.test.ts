import { resetDatabase } from 'jest-kubernetes';
import { connect } from '../src/database';
import { NotForSale, Shop } from '../src/shop';

const pool = connect();
const shop = new Shop(pool);

beforeEach(() => resetDatabase()); // every test is the first customer's; the pool stays connected
afterAll(() => pool.end());

const stockOf = async (sku: string): Promise<number | undefined> =>
  (await shop.products()).find((product) => product.sku === sku)?.stock;

test('an order is numbered, summed up and taken from the stock', async () => {
  const lines = [
    { sku: 'pencil', quantity: 2 },
    { sku: 'paper', quantity: 1 },
  ];
  expect(await shop.sell('Ada', lines)).toBe(1);
  expect(await shop.orders()).toStrictEqual([{ id: 1, customer: 'Ada', totalInCents: 690 }]);
  expect(await stockOf('pencil')).toBe(8);
});

test('the numbers start anew, as the rows do', async () => {
  expect(await shop.sell('Ada', [{ sku: 'pencil', quantity: 10 }])).toBe(1);
  expect(await stockOf('pencil')).toBe(0);
});

test('an order that cannot be filled leaves nothing behind', async () => {
  const lines = [
    { sku: 'paper', quantity: 1 },
    { sku: 'pencil', quantity: 11 },
  ];
  await expect(shop.sell('Ada', lines)).rejects.toThrow(NotForSale);
  expect(await shop.orders()).toStrictEqual([]);
  expect(await stockOf('paper')).toBe(10);
});

test('the last pencils are sold once, however many ask at the same time', async () => {
  const asked = Array.from({ length: 8 }, () => shop.sell('Ada', [{ sku: 'pencil', quantity: 3 }]));
  const outcomes = await Promise.allSettled(asked);
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  expect(await stockOf('pencil')).toBe(1);
});
