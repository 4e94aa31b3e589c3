import { expectOneCluster } from '../e2e/support/examples.js';
import { type Installation, installation } from '../e2e/support/project.js';
import { dockerProxy } from './docker-proxy.js';

let installed: Installation;
beforeAll(async () => {
  installed = await installation();
}, 180_000);
afterAll(() => installed.remove(), 60_000);

/** Of this machine, and yet none of the names that say so. */
const host = '127.0.0.2';

const tests = `
import { readFileSync } from 'node:fs';
import { client, namespace } from 'jest-kubernetes';
import * as k8s from '@kubernetes/client-node';
import { Client } from 'pg';

test('the API server is reached at the engine, by a certificate that names it', async () => {
  expect(readFileSync(process.env.KUBECONFIG ?? '', 'utf8')).toContain('server: https://${host}:');
  const { metadata } = await client(k8s.CoreV1Api).readNamespace({ name: await namespace() });
  expect(metadata?.name).toBeDefined();
});

test('and so is PostgreSQL', async () => {
  expect(process.env.PGHOST).toBe('${host}');
  const db = new Client();
  await db.connect();
  expect((await db.query('SELECT 1 + 1 AS sum')).rows).toStrictEqual([{ sum: 2 }]);
  await db.end();
});

test('the engine is the business of the run alone', () => {
  expect(process.env.DOCKER_HOST).toBe(process.env.SAID_BY_THE_USER);
});
`;

test("a whole run on an engine of another host, as GitLab's docker:dind", async () => {
  await using proxy = await dockerProxy(host);
  const project = installed.project('another-host', {
    'it.test.ts': tests,
    'jest-kubernetes.config.json': JSON.stringify({ postgres: true }),
  });
  const env = { DOCKER_HOST: proxy.address, SAID_BY_THE_USER: proxy.address };
  const { status, output } = await project.run([], env);
  expectOneCluster({ exitCode: status ?? -1, output }, { cluster: project.cluster, tests: { it: 3 } });
  expect(proxy.connections()).toBeGreaterThan(0);
  const { containers, clusters } = await installed.remains();
  expect({ containers, clusters }).toEqual({ containers: [], clusters: [] });
}, 600_000);

test.each([
  ['127.0.0.3', '127.0.0.3'],
  ['0.0.0.0', '127.0.0.1'],
])(
  "a user's own apiServerAddress %s is reached at %s",
  async (apiServerAddress, reached) => {
    const project = installed.project(`own-address-${apiServerAddress.replaceAll('.', '-')}`, {
      'it.test.ts': `
import { readFileSync } from 'node:fs';
import { namespace } from 'jest-kubernetes';

test('the API server answers', async () => {
  expect(readFileSync(process.env.KUBECONFIG ?? '', 'utf8')).toContain('server: https://${reached}:');
  expect(await namespace()).toBeDefined();
});
`,
      'jest-kubernetes.config.json': JSON.stringify({
        images: [],
        cluster: {
          config: {
            kind: 'Cluster',
            apiVersion: 'kind.x-k8s.io/v1alpha4',
            networking: { apiServerAddress },
          },
        },
      }),
    });
    const { status, output } = await project.run();
    expectOneCluster({ exitCode: status ?? -1, output }, { cluster: project.cluster, tests: { it: 1 } });
  },
  600_000,
);
