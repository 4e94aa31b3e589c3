import { createServer, type IncomingMessage, type Server } from 'node:http';
import { json } from 'node:stream/consumers';
import { NotForSale, type Line, type Shop } from './shop';

type Answer = [status: number, body: unknown];

/** The shop over HTTP: GET /products, GET /orders, POST /orders. */
export function shopServer(shop: Shop): Server {
  return createServer((request, response) => {
    void answer(shop, request)
      .catch((error: unknown): Answer => {
        if (error instanceof NotForSale) return [409, { error: error.message }];
        console.error(error);
        return [500, { error: 'internal error' }];
      })
      .then(([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
  });
}

async function answer(shop: Shop, request: IncomingMessage): Promise<Answer> {
  switch (`${request.method} ${request.url}`) {
    case 'GET /products':
      return [200, await shop.products()];
    case 'GET /orders':
      return [200, await shop.orders()];
    case 'POST /orders': {
      const { customer, lines } = (await json(request)) as { customer: string; lines: Line[] };
      return [201, { id: await shop.sell(customer, lines) }];
    }
    default:
      return [404, { error: 'not found' }];
  }
}
