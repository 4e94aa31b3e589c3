import { resetDatabase } from 'jest-kubernetes';
import { connect } from '../src/database';
import { Shop } from '../src/shop';

const pool = connect();
const shop = new Shop(pool);

beforeAll(() => resetDatabase()); // a worker may have run another test file before this one
afterAll(() => pool.end());

test('the shop opens with what the migrations put on its shelves', async () => {
  expect(await shop.products()).toStrictEqual([
    { sku: 'paper', name: 'Paper, 100 sheets', priceInCents: 450, stock: 10 },
    { sku: 'pencil', name: 'Pencil, 2B', priceInCents: 120, stock: 10 },
  ]);
});

test('a new product is for sale', async () => {
  await shop.add({ sku: 'ink', name: 'Ink, blue', priceInCents: 600, stock: 3 });
  const skus = (await shop.products()).map(({ sku }) => sku);
  expect(skus).toStrictEqual(['ink', 'paper', 'pencil']);
});

test('a product is there once', async () => {
  const again = shop.add({ sku: 'ink', name: 'Ink, black', priceInCents: 600, stock: 3 });
  await expect(again).rejects.toThrow('products_pkey');
});
