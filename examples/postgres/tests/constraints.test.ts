import { resetDatabase } from 'jest-kubernetes';
import { connect } from '../src/database';
import { Shop } from '../src/shop';

const pool = connect();
const shop = new Shop(pool);

beforeAll(() => resetDatabase());
afterAll(() => pool.end());

test('the database itself refuses a negative stock (003-stock.sql)', async () => {
  const selling = pool.query("UPDATE products SET stock = stock - 11 WHERE sku = 'pencil'");
  await expect(selling).rejects.toMatchObject({ code: '23514', constraint: 'stock_is_never_negative' });
});

test('a product that was ordered stays (002-orders.sql)', async () => {
  expect(await shop.sell('Ada', [{ sku: 'pencil', quantity: 1 }])).toBe(1);
  const deleting = pool.query("DELETE FROM products WHERE sku = 'pencil'");
  await expect(deleting).rejects.toMatchObject({ code: '23503', constraint: 'order_lines_sku_fkey' });
});

test('a gift has no price, and is no product (001-products.sql)', async () => {
  const adding = shop.add({ sku: 'ink', name: 'Ink, free', priceInCents: 0, stock: 1 });
  await expect(adding).rejects.toMatchObject({ constraint: 'products_price_in_cents_check' });
});
