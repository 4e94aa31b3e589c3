import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

/** An API server that knows a namespace `shop` with a pod `web`, and whatever namespaces are made. */
export interface FakeApiServer {
  /** What a worker of a run has in its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Every namespace that was made, and deleted, in order. */
  readonly created: readonly { name: string; labels: Record<string, string> }[];
  readonly deleted: readonly string[];
  close(): Promise<void>;
}

const pod = {
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: {
    name: 'web',
    namespace: 'shop',
    creationTimestamp: '2026-01-02T03:04:05Z',
    labels: { app: 'web', tier: 'front' },
  },
  spec: { containers: [{ name: 'web', image: 'web:1' }] },
};
const uidOf = (name: string): string => `uid-of-${name}`;
const notFound = { kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404 };

/** @param folder - where its kubeconfig is written */
export async function fakeApiServer(folder: string): Promise<FakeApiServer> {
  const created: { name: string; labels: Record<string, string> }[] = [];
  const deleted: string[] = [];
  /** Namespaces whose ServiceAccount was asked for: it is there from the third time. */
  const asked = new Map<string, number>();

  const answer = (route: string, body: string): object | undefined => {
    const namespace = /^\w+ \/api\/v1\/namespaces\/([^/]+)/.exec(route)?.[1] ?? '';
    if (route === 'POST /api/v1/namespaces') {
      const object = JSON.parse(body) as { metadata: { name: string; labels: Record<string, string> } };
      const { name, labels } = object.metadata;
      created.push({ name, labels });
      return { ...object, metadata: { ...object.metadata, uid: uidOf(name) } };
    }
    if (route === `DELETE /api/v1/namespaces/${namespace}`) {
      // that very one: a deletion by name alone could meet another's
      const options = JSON.parse(body) as { preconditions?: { uid?: string } };
      if (options.preconditions?.uid !== uidOf(namespace)) return undefined;
      deleted.push(namespace);
      return { kind: 'Status', status: 'Success' };
    }
    if (route.endsWith('/serviceaccounts/default')) {
      asked.set(namespace, (asked.get(namespace) ?? 0) + 1);
      return (asked.get(namespace) ?? 0) < 3
        ? undefined
        : { kind: 'ServiceAccount', metadata: { name: 'default' } };
    }
    if (route === 'GET /api/v1/namespaces/shop/pods')
      return { kind: 'PodList', apiVersion: 'v1', items: [pod] };
    if (route === 'GET /api/v1/namespaces/shop/pods/web') return pod;
    return undefined;
  };

  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { pathname } = new URL(request.url ?? '', 'http://localhost');
      const found = answer(`${request.method ?? ''} ${pathname}`, body);
      response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(found ?? notFound));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const { port } = server.address() as AddressInfo;
  const kubeconfig = path.join(folder, 'kubeconfig.json');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'fixture', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } },
    ],
    users: [{ name: 'fixture', user: {} }],
    contexts: ['other', 'fixture'].map((name) => ({
      name,
      context: { cluster: 'fixture', user: 'fixture' },
    })),
    'current-context': 'other',
  };
  writeFileSync(kubeconfig, JSON.stringify(config));

  return {
    env: {
      KUBECONFIG: kubeconfig,
      JEST_KUBERNETES_CLUSTER: 'fixture',
      JEST_KUBERNETES_CONTEXT: 'fixture',
      JEST_KUBERNETES_RUN_ID: 'run-1',
    },
    created,
    deleted,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
