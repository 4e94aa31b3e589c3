import { openApi, serviceAddress, serviceIsAnswered } from '../../../src/kubernetes/index.js';
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

test.each([
  [
    { clusterIP: '10.96.0.7', ports: [{ port: 53, protocol: 'UDP' }, { port: 8080 }] },
    { host: '10.96.0.7', port: 8080 },
  ],
  [{ clusterIP: '10.96.0.7', ports: [{ port: 53, protocol: 'UDP' }] }, undefined],
  [{ clusterIP: 'None', ports: [{ port: 80 }] }, undefined],
  [{ ports: [] }, undefined],
])('pods turn to the Service %j at %j', async (spec, address) => {
  await using server = await fakeServer([json({ spec })]);
  using api = openApi(server.access());
  expect(await serviceAddress(api, { namespace: 'shop', name: 'web' })).toEqual(address);
});
