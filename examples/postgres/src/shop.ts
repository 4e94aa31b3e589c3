import type { Pool, PoolClient } from 'pg';

export interface Product {
  sku: string;
  name: string;
  priceInCents: number;
  stock: number;
}

export interface Line {
  sku: string;
  quantity: number;
}

export interface Order {
  id: number;
  customer: string;
  totalInCents: number;
}

/** What a customer asked for cannot be sold. */
export class NotForSale extends Error {}

/** A shop that keeps its products and orders in PostgreSQL. */
export class Shop {
  constructor(private readonly pool: Pool) {}

  async products(): Promise<Product[]> {
    const { rows } = await this.pool.query<Product>(
      'SELECT sku, name, price_in_cents AS "priceInCents", stock FROM products ORDER BY sku',
    );
    return rows;
  }

  async add({ sku, name, priceInCents, stock }: Product): Promise<void> {
    await this.pool.query('INSERT INTO products (sku, name, price_in_cents, stock) VALUES ($1, $2, $3, $4)', [
      sku,
      name,
      priceInCents,
      stock,
    ]);
  }

  async orders(): Promise<Order[]> {
    const { rows } = await this.pool.query<Order>(
      `SELECT id, customer, sum(quantity * price_in_cents)::integer AS "totalInCents"
       FROM orders JOIN order_lines ON order_id = id JOIN products USING (sku)
       GROUP BY id ORDER BY id`,
    );
    return rows;
  }

  /** Sells all of it, or nothing. @throws NotForSale */
  async sell(customer: string, lines: readonly Line[]): Promise<number> {
    return this.inTransaction(async (client) => {
      const { rows } = await client.query<{ id: number }>(
        'INSERT INTO orders (customer) VALUES ($1) RETURNING id',
        [customer],
      );
      const id = rows[0]?.id ?? 0;
      for (const { sku, quantity } of lines) {
        const { rowCount } = await client.query(
          'UPDATE products SET stock = stock - $2 WHERE sku = $1 AND stock >= $2',
          [sku, quantity],
        );
        if (rowCount === 0) throw new NotForSale(`there are not ${quantity} of ${sku}`);
        await client.query('INSERT INTO order_lines (order_id, sku, quantity) VALUES ($1, $2, $3)', [
          id,
          sku,
          quantity,
        ]);
      }
      return id;
    });
  }

  private async inTransaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      const outcome = await work(client);
      await client.query('COMMIT');
      return outcome;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }
}
