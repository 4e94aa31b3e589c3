import { setTimeout as sleep } from 'node:timers/promises';

import { ApiError, openApi, podsAreAdmitted } from '../../../src/kubernetes/index.js';
import { type Answer, fakeServer, hangUp, json, refusal } from './api-server.js';

const never: Answer = () => undefined;
const well = json({ well: true });

async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const each of events) seen.push(each);
  return seen;
}

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 3000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not so after 3 s: ${String(condition)}`);
    await sleep(5);
  }
}

describe('answers', () => {
  test('JSON goes as it is, and comes as it is', async () => {
    await using server = await fakeServer([json({ 'x-kubernetes-foo': [1, null] })]);
    using api = openApi(server.access());
    const answer = await api.request('/apis/x?y=z', { method: 'PUT', body: { Ä: 1 } });
    expect(answer).toEqual({ 'x-kubernetes-foo': [1, null] });
    expect(server.asked).toMatchObject([{ method: 'PUT', url: '/apis/x?y=z', body: '{"Ä":1}' }]);
    expect(server.asked[0]?.headers).toMatchObject({ 'content-type': 'application/json' });
  });

  test('the server’s clock is known from its answers, a refusal too, and goes on', async () => {
    const date = 'Sat, 01 Mar 2025 12:00:00 GMT';
    await using server = await fakeServer([refusal(403, {}, { date })]);
    using api = openApi(server.access());
    expect(api.now).toBeUndefined();
    await api.request('/readyz').catch(() => undefined);
    await sleep(20);
    const passed = (api.now ?? 0) - Date.parse(date);
    expect(passed).toBeGreaterThanOrEqual(15);
    expect(passed).toBeLessThan(2000);
  });

  test('a text is given as it is, letters that are cut in two included', async () => {
    const bytes = Buffer.from('größe\n');
    const log: Answer = async (response) => {
      response.write(bytes.subarray(0, 3));
      await sleep(20);
      response.end(bytes.subarray(3));
    };
    await using server = await fakeServer([log]);
    using api = openApi(server.access());
    expect(await api.text('/api/v1/namespaces/a/pods/b/log')).toBe('größe\n');
  });

  test('a refusal says its status, its reason, its words and its details', async () => {
    const details = { name: 'x', kind: 'pods', causes: [{ field: 'spec', message: 'no' }] };
    await using server = await fakeServer([
      refusal(422, { reason: 'Invalid', details }),
      (response) => response.writeHead(502).end('<h1>Bad gateway</h1>\n'),
      (response) => response.writeHead(401).end(),
    ]);
    using api = openApi(server.access(), { retry: false });
    const refused = await api.request('/x').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiError);
    expect(refused).toMatchObject({ status: 422, reason: 'Invalid', message: 'refused with 422', details });
    await expect(api.request('/x')).rejects.toMatchObject({ status: 502, message: '<h1>Bad gateway</h1>' });
    await expect(api.request('/x')).rejects.toMatchObject({ status: 401, message: 'HTTP status 401' });
  });

  test('what is no JSON is told with what it is', async () => {
    await using server = await fakeServer([(response) => response.end('<h1>Log in</h1>')]);
    using api = openApi(server.access());
    await expect(api.request('/x')).rejects.toThrow('the answer to GET /x is no JSON: <h1>Log in</h1>');
  });

  test('a server below a path is asked below it', async () => {
    await using server = await fakeServer([well], { secure: false });
    using api = openApi(server.access({}, { server: `http://127.0.0.1:${server.port}/k8s/clusters/c-1/` }));
    await api.request('/version');
    expect(server.asked[0]?.url).toBe('/k8s/clusters/c-1/version');
  });
});

describe('connections', () => {
  test('several requests take one connection, which is closed with the client', async () => {
    await using server = await fakeServer([well]);
    {
      using api = openApi(server.access());
      for (let i = 0; i < 3; i++) await api.request('/x');
      await expect(api.request('/x', { method: 'POST', body: {} })).resolves.toEqual({ well: true });
      expect(server.connections).toEqual({ made: 1, open: 1 });
    }
    await until(() => server.connections.open === 0);
  });

  test('a client that is disposed of asks nothing more, not even what it would try again', async () => {
    await using server = await fakeServer([never]);
    let answer: Promise<unknown>;
    {
      using api = openApi(server.access());
      answer = api.request('/x');
      answer.catch(() => undefined);
      await until(() => server.asked.length === 1);
    }
    await expect(answer).rejects.toThrow(/nothing more is asked of https:/);
    expect(server.asked).toHaveLength(1);
  });
});

describe('what passes by itself', () => {
  test('a server that is busy is asked again when it says, a POST too', async () => {
    await using server = await fakeServer([refusal(429, {}, { 'retry-after': '1' }), well]);
    using api = openApi(server.access());
    expect(await api.request('/x', { method: 'POST', body: {} })).toEqual({ well: true });
    const [first, second] = server.asked;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(950);
    expect(second?.body).toBe('{}');
  });

  test('one that wants to be left alone for longer than that is believed', async () => {
    await using server = await fakeServer([refusal(429, {}, { 'retry-after': '60' }), well]);
    using api = openApi(server.access());
    await expect(api.request('/x')).rejects.toMatchObject({ status: 429, retryAfter: 60_000 });
    expect(server.asked).toHaveLength(1);
  });

  test.each([500, 502, 503, 504])('%i is asked again', async (status) => {
    await using server = await fakeServer([refusal(status), refusal(status), well]);
    using api = openApi(server.access());
    expect(await api.request('/x')).toEqual({ well: true });
    expect(server.asked).toHaveLength(3);
  });

  test('a connection that breaks, before an answer or in it, is made anew', async () => {
    const half: Answer = (response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{"we');
      setTimeout(() => response.socket?.destroy(), 20);
    };
    await using server = await fakeServer([hangUp, half, well]);
    using api = openApi(server.access());
    expect(await api.request('/x')).toEqual({ well: true });
    expect(server.asked).toHaveLength(3);
  });

  test.each([
    ['a POST', { method: 'POST' as const }],
    ['a PUT under a resourceVersion', { method: 'PUT' as const, repeatable: false }],
  ])('%s that may have been done is not done again', async (_what, options) => {
    await using server = await fakeServer([hangUp, refusal(503), well]);
    using api = openApi(server.access());
    await expect(api.request('/x', { ...options, body: {} })).rejects.toThrow(/socket hang up|ECONNRESET/);
    await expect(api.request('/x', { ...options, body: {} })).rejects.toMatchObject({ status: 503 });
    expect(server.asked).toHaveLength(2);
  });

  test.each(['GET', 'POST'] as const)(
    'nobody there: a %s is tried again, and not for ever',
    async (method) => {
      const server = await fakeServer([well]);
      const access = server.access();
      using api = openApi(access);
      await server[Symbol.asyncDispose]();
      const start = performance.now();
      await expect(api.request('/x', { method })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      expect(performance.now() - start).toBeGreaterThan(1000);
    },
  );

  test('what does not pass is told after five attempts', async () => {
    await using server = await fakeServer([refusal(503)]);
    using api = openApi(server.access());
    await expect(api.request('/x')).rejects.toMatchObject({ status: 503 });
    expect(server.asked).toHaveLength(5);
  });

  test.each([403, 404, 409, 422, 501])('%i is an answer', async (status) => {
    await using server = await fakeServer([refusal(status), well]);
    using api = openApi(server.access());
    await expect(api.request('/x')).rejects.toMatchObject({ status });
    expect(server.asked).toHaveLength(1);
  });

  test('a caller with a patience of its own is told at once', async () => {
    await using server = await fakeServer([refusal(503), refusal(429), hangUp, refusal(503), well]);
    using api = openApi(server.access(), { retry: false });
    await expect(api.request('/x')).rejects.toMatchObject({ status: 503 });
    await expect(api.request('/x')).rejects.toMatchObject({ status: 429 });
    await expect(api.request('/x')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await api.request('/x', { retry: true })).toEqual({ well: true });
  });
});

describe('how long', () => {
  test('a request ends at its limit, all attempts together', async () => {
    await using server = await fakeServer([refusal(503), never]);
    using api = openApi(server.access(), { limit: 60_000 });
    const answer = api.request('/x', { limit: 400 });
    await expect(answer).rejects.toMatchObject({ name: 'NoAnswer', message: 'no answer within 0.4 s' });
    expect(server.asked).toHaveLength(2);
  });

  test('a pause that would outlast the limit is not made: the last answer is told', async () => {
    await using server = await fakeServer([refusal(429, {}, { 'retry-after': '5' })]);
    using api = openApi(server.access(), { limit: 2000 });
    await expect(api.request('/x')).rejects.toMatchObject({ status: 429 });
  });

  test('an answer that begins and does not end has no more time', async () => {
    await using server = await fakeServer([(response) => response.write('{')]);
    using api = openApi(server.access(), { limit: 200, retry: false });
    await expect(api.request('/x')).rejects.toMatchObject({ name: 'NoAnswer' });
  });

  test('the signal ends it with its reason: before it, in it, and between two attempts', async () => {
    await using server = await fakeServer([never, refusal(429, {}, { 'retry-after': '5' })]);
    const enough = new Error('enough');
    const abort = new AbortController();
    using api = openApi(server.access());
    const answer = api.request('/x', { signal: abort.signal });
    answer.catch(() => undefined);
    await until(() => server.asked.length === 1);
    abort.abort(enough);
    await expect(answer).rejects.toBe(enough);
    await expect(api.request('/x', { signal: abort.signal })).rejects.toBe(enough);
    expect(server.asked).toHaveLength(1);

    const later = new AbortController();
    const paused = api.request('/x', { signal: later.signal });
    paused.catch(() => undefined);
    await until(() => server.asked.length === 2);
    later.abort(enough);
    await expect(paused).rejects.toBe(enough);
  });

  test('the client’s own signal ends each of its requests', async () => {
    await using server = await fakeServer([never]);
    const abort = new AbortController();
    using api = openApi(server.access(), { signal: abort.signal });
    const answer = api.request('/x');
    answer.catch(() => undefined);
    await until(() => server.asked.length === 1);
    abort.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
  });
});

describe('watch', () => {
  interface Named {
    metadata: { name: string };
  }
  const event = (type: string, name: string): string =>
    `${JSON.stringify({ type, object: { metadata: { name } } })}\n`;
  const told = ({ type, object }: { type: string; object: Named }) => `${type} ${object.metadata.name}`;

  /** Sends a text in pieces of so many bytes, wherever they end, and leaves the answer open. */
  async function inPieces(response: Parameters<Answer>[0], text: string, size: number): Promise<void> {
    const bytes = Buffer.from(text);
    for (let start = 0; start < bytes.length; start += size) {
      response.write(bytes.subarray(start, start + size));
      await sleep(1);
    }
  }

  test.each([1, 7, 64, 10_000])(
    'events in pieces of %i bytes come whole, until the server ends it',
    async (size) => {
      const text = ['ADDED eins', 'MODIFIED größe', 'DELETED drei'].map((each) => {
        const [type = '', name = ''] = each.split(' ');
        return event(type, name);
      });
      await using server = await fakeServer([
        async (response) => {
          await inPieces(response, text.join(''), size);
          response.end();
        },
      ]);
      using api = openApi(server.access());
      const seen: string[] = [];
      const pods = api.watch<Named>('/api/v1/pods?labelSelector=a%3Db', { resourceVersion: '17' });
      for await (const each of pods) seen.push(told(each));
      expect(seen).toEqual(['ADDED eins', 'MODIFIED größe', 'DELETED drei']);
      expect(server.asked[0]?.url).toBe('/api/v1/pods?labelSelector=a%3Db&watch=true&resourceVersion=17');
    },
  );

  test('each event comes as it happens, and the limit is for the beginning alone', async () => {
    let send: ((text: string) => unknown) | undefined;
    await using server = await fakeServer([
      (response) => {
        response.flushHeaders();
        send = (text) => response.write(text);
      },
    ]);
    using api = openApi(server.access(), { limit: 300 });
    const events = api.watch<Named>('/api/v1/pods');
    const first = events.next();
    await until(() => send !== undefined);
    await sleep(500);
    send?.(event('ADDED', 'late'));
    expect(told((await first).value as never)).toBe('ADDED late');
    await events.return(undefined);
    await until(() => server.connections.open === 0);
  });

  test('one that does not begin ends at the limit', async () => {
    await using server = await fakeServer([never]);
    using api = openApi(server.access(), { limit: 200 });
    await expect(api.watch('/api/v1/pods').next()).rejects.toMatchObject({ name: 'NoAnswer' });
  });

  test('one that the server refuses for now is begun again; one that it refuses is told', async () => {
    await using server = await fakeServer([
      refusal(503),
      (response) => response.end(event('ADDED', 'one')),
      refusal(403, { reason: 'Forbidden' }),
    ]);
    using api = openApi(server.access());
    const seen = await all(api.watch<Named>('/api/v1/pods'));
    expect(seen.map(told)).toEqual(['ADDED one']);
    await expect(api.watch('/api/v1/pods').next()).rejects.toMatchObject({
      status: 403,
      reason: 'Forbidden',
    });
  });

  test('a connection that breaks ends it, and half an event is none', async () => {
    await using server = await fakeServer([
      async (response) => {
        await inPieces(response, event('ADDED', 'one') + event('ADDED', 'two').slice(0, 20), 1000);
        response.socket?.destroy();
      },
    ]);
    using api = openApi(server.access());
    const seen = await all(api.watch<Named>('/api/v1/pods'));
    expect(seen.map(told)).toEqual(['ADDED one']);
    expect(server.asked).toHaveLength(1);
  });

  test('a resourceVersion that is too old is told, so that all is read anew', async () => {
    const status = {
      kind: 'Status',
      code: 410,
      reason: 'Expired',
      message: 'too old resource version: 1 (9)',
    };
    await using server = await fakeServer([
      async (response) => {
        await inPieces(
          response,
          event('ADDED', 'one') + `${JSON.stringify({ type: 'ERROR', object: status })}\n`,
          9,
        );
      },
    ]);
    using api = openApi(server.access());
    const events = api.watch<Named>('/api/v1/pods', { resourceVersion: '1' });
    expect(told((await events.next()).value as never)).toBe('ADDED one');
    await expect(events.next()).rejects.toMatchObject({
      ...{ name: 'ApiError', status: 410, reason: 'Expired', message: status.message },
    });
    expect(await events.next()).toEqual({ done: true, value: undefined });
    await until(() => server.connections.open === 0);
  });

  test('the signal ends it with its reason, and closes its connection', async () => {
    await using server = await fakeServer([(response) => response.write(event('ADDED', 'one'))]);
    const abort = new AbortController();
    const enough = new Error('enough');
    using api = openApi(server.access());
    const seen: string[] = [];
    const watching = (async () => {
      for await (const each of api.watch<Named>('/api/v1/pods', { signal: abort.signal }))
        seen.push(told(each));
    })();
    watching.catch(() => undefined);
    await until(() => seen.length === 1);
    abort.abort(enough);
    await expect(watching).rejects.toBe(enough);
    await until(() => server.connections.open === 0);
  });
});

test('pods are admitted unless a ServiceAccount is missing: any other refusal is for them to meet', async () => {
  const missing = 'pods "probe-" is forbidden: error looking up service account shop/default: not found';
  const quota = 'pods "probe-" is forbidden: exceeded quota';
  await using server = await fakeServer([
    ...[refusal(403, { message: missing }), refusal(403, { message: quota }), json({}, 201)],
  ]);
  using api = openApi(server.access());
  expect(await podsAreAdmitted(api, 'shop')).toBe(false);
  expect(await podsAreAdmitted(api, 'shop')).toBe(true);
  expect(await podsAreAdmitted(api, 'shop')).toBe(true);
  expect(server.asked[0]).toMatchObject({
    ...{ method: 'POST', url: '/api/v1/namespaces/shop/pods?dryRun=All' },
    body: expect.stringContaining('"kind":"Pod"') as string,
  });
});
