import { deleteOwned } from '../../../src/kubernetes/index.js';
import { type Answer, type Asked, fakeServer, json, refusal } from './api-server.js';

const mine = { 'jest-kubernetes/owner': 'mine' };
const object = (metadata: object): object => ({
  metadata: { name: 'settings', namespace: 'shop', uid: 'u1', ...metadata },
});
const list = {
  resources: [{ name: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs: ['list', 'delete'] }],
};

/** A cluster that knows config maps alone: which there are, how one is deleted, and how it is read afterwards. */
function cluster({
  items,
  remove,
  read,
}: {
  items: object[];
  remove: (asked: Asked, count: number) => Answer;
  read: Answer;
}): Answer {
  let removals = 0;
  return (response, asked) => {
    const { method, url } = asked;
    const answer =
      method === 'DELETE'
        ? remove(asked, (removals += 1))
        : url === '/apis'
          ? json({ groups: [] })
          : url === '/api/v1'
            ? json(list)
            : url.startsWith('/api/v1/configmaps?')
              ? json({ items })
              : read;
    return answer(response, asked);
  };
}

const bodyOf = ({ body }: Asked): unknown => (JSON.parse(body) as { preconditions: unknown }).preconditions;
const deletions = ({ asked }: { asked: Asked[] }): Asked[] =>
  asked.filter(({ method }) => method === 'DELETE');

test('an object is deleted as it was seen with its mark', async () => {
  await using server = await fakeServer([
    cluster({
      items: [object({ resourceVersion: '7', labels: mine })],
      remove: () => json({}),
      read: refusal(404),
    }),
  ]);
  expect(await deleteOwned(server.access(), 'mine')).toEqual(['ConfigMap shop/settings']);
  expect(server.asked.map(({ url }) => url)).toContain(
    '/api/v1/configmaps?labelSelector=jest-kubernetes%2Fowner%3Dmine',
  );
  expect(deletions(server).map(bodyOf)).toEqual([{ uid: 'u1', resourceVersion: '7' }]);
});

test('one that was changed meanwhile is deleted as it is now, if it is still marked', async () => {
  await using server = await fakeServer([
    cluster({
      items: [object({ resourceVersion: '7', labels: mine })],
      remove: (_, count) => (count === 1 ? refusal(409) : json({})),
      read: (response, asked) =>
        (deletions(server).length < 2 ? json(object({ resourceVersion: '8', labels: mine })) : refusal(404))(
          response,
          asked,
        ),
    }),
  ]);
  await deleteOwned(server.access(), 'mine');
  expect(deletions(server).map(bodyOf)).toEqual([
    { uid: 'u1', resourceVersion: '7' },
    { uid: 'u1', resourceVersion: '8' },
  ]);
});

test.each([
  ['somebody has taken the mark away', { resourceVersion: '8', labels: {} }],
  ['somebody has made another of its name', { uid: 'u2', resourceVersion: '9', labels: mine }],
])('%s: it stays, and is no failure', async (_, now) => {
  await using server = await fakeServer([
    cluster({
      items: [object({ resourceVersion: '7', labels: mine })],
      remove: () => refusal(409),
      read: json(object(now)),
    }),
  ]);
  await deleteOwned(server.access(), 'mine');
  expect(deletions(server)).toHaveLength(1);
});

test('one that may not be deleted does not keep the others from it, and is told with the server’s words', async () => {
  const other = {
    metadata: { name: 'other', namespace: 'shop', uid: 'u2', resourceVersion: '3', labels: mine },
  };
  await using server = await fakeServer([
    cluster({
      items: [object({ resourceVersion: '7', labels: mine }), other],
      remove: ({ url }) =>
        url.includes('settings') ? refusal(403, { message: 'ci cannot delete configmaps' }) : json({}),
      read: (response, asked) =>
        (asked.url.includes('settings')
          ? json(object({ resourceVersion: '7', labels: mine }))
          : refusal(404))(response, asked),
    }),
  ]);
  await expect(deleteOwned(server.access(), 'mine')).rejects.toMatchObject({
    code: 'CLUSTER_DELETE_FAILED',
    evidence: ['left: ConfigMap shop/settings: ci cannot delete configmaps'],
  });
  expect(deletions(server)).toHaveLength(2);
});

test('what a controller made, and what copies a Service’s labels, goes with what it is of', async () => {
  await using server = await fakeServer([
    cluster({
      items: [object({ resourceVersion: '7', labels: mine, ownerReferences: [{ controller: true }] })],
      remove: () => refusal(403),
      read: refusal(404),
    }),
  ]);
  expect(await deleteOwned(server.access(), 'mine')).toEqual([]);
});

test('where it is not known any more whose it is, nothing is deleted', async () => {
  await using server = await fakeServer([refusal(500)]);
  await expect(deleteOwned(server.access(), '')).rejects.toMatchObject({
    code: 'CLUSTER_DELETE_FAILED',
    remedy: expect.stringContaining('--selector jest-kubernetes/owner') as string,
  });
  expect(server.asked).toEqual([]);
});
