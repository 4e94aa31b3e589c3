import type { RedisClientType } from 'redis';

/** What the price service says, remembered for a minute. */
export class Prices {
  readonly #cache: RedisClientType;
  readonly #url: string;
  /** How often the service was asked. */
  asked = 0;

  constructor(cache: RedisClientType, url: string) {
    this.#cache = cache;
    this.#url = url;
  }

  async of(product: string): Promise<number> {
    const key = `price:${product}`;
    const known = await this.#cache.get(key);
    if (known !== null) return Number(known);
    this.asked += 1;
    const response = await fetch(`${this.#url}/${product}`);
    if (!response.ok) throw new Error(`no price for ${product}: ${response.status}`);
    const price = Number(await response.text());
    await this.#cache.set(key, price, { expiration: { type: 'EX', value: 60 } });
    return price;
  }
}
