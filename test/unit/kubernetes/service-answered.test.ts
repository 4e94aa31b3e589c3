import { openApi, serviceIsAnswered } from '../../../src/kubernetes/index.js';
import { type Answer, fakeServer, json } from './api-server.js';

test.each([
  [{ ready: true }, true],
  // what is not known is ready, as the API has it
  [{}, true],
  [undefined, true],
  [{ ready: false }, false],
])('a Service with an endpoint whose conditions are %j is answered: %s', async (conditions, answered) => {
  const answer: Answer = (response, asked) =>
    json(asked.url.includes('/services/') ? {} : { items: [{ endpoints: [{ conditions }] }] })(
      response,
      asked,
    );
  await using server = await fakeServer([answer]);
  using api = openApi(server.access());
  expect(await serviceIsAnswered(api, { namespace: 'shop', name: 'web' })).toBe(answered);
});
