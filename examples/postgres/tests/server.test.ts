import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { resetDatabase } from 'jest-kubernetes';
import { connect } from '../src/database';
import { shopServer } from '../src/server';
import { Shop } from '../src/shop';

const pool = connect();
const server = shopServer(new Shop(pool));
let url: string;

beforeAll(async () => {
  await resetDatabase();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  await pool.end();
});

const order = (customer: string, sku: string, quantity: number): Promise<Response> =>
  fetch(`${url}/orders`, { method: 'POST', body: JSON.stringify({ customer, lines: [{ sku, quantity }] }) });

test('what was ordered over HTTP is in the list of orders', async () => {
  const response = await order('Ada', 'pencil', 2);
  expect(response.status).toBe(201);
  expect(await response.json()).toStrictEqual({ id: 1 });

  const orders = await fetch(`${url}/orders`);
  expect(await orders.json()).toStrictEqual([{ id: 1, customer: 'Ada', totalInCents: 240 }]);
});

test('an order that cannot be filled is a conflict', async () => {
  const response = await order('Ada', 'pencil', 9);
  expect(response.status).toBe(409);
  expect(await response.json()).toStrictEqual({ error: 'there are not 9 of pencil' });
});

test('another path is not found', async () => {
  expect((await fetch(`${url}/customers`)).status).toBe(404);
});
