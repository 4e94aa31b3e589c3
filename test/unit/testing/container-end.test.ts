import { openApi } from '../../../src/kubernetes/index.js';
import { containerEnd } from '../../../src/testing/container-end.js';
import { fakeServer, json } from '../kubernetes/api-server.js';

const pod = (status: object, uid = 'a'): object => ({
  metadata: { name: 'web', namespace: 'shop', uid },
  status: { containerStatuses: [{ name: 'web', restartCount: 1, ...status }] },
});
const ended = { terminated: { exitCode: 3, reason: 'Error' } };
const running = { running: {} };

test.concurrent.each([
  ['ends', [pod({ state: ended })], 'it ended with exit code 3 (Error)'],
  [
    'was started again',
    [pod({ state: running, lastState: ended, restartCount: 2 })],
    'it ended with exit code 3 (Error)',
  ],
  ['is gone', [], 'its pod is gone'],
  ['has given its name to another', [pod({ state: running }, 'b')], 'its pod is gone'],
])(
  'a container that %s has ended',
  async (_what, items, told) => {
    await using server = await fakeServer([json({ items: [pod({ state: running })] }), json({ items })]);
    using api = openApi(server.access());
    const place = { namespace: 'shop', pod: 'web', container: 'web', run: { pod: 'a', restarts: 1 } };
    await expect(containerEnd(api, place, new AbortController().signal)).resolves.toBe(told);
    expect(server.asked).toHaveLength(2);
  },
  20_000,
);
