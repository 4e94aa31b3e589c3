import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openApi } from '../../../src/kubernetes/client.js';
import { execInPod } from '../../../src/kubernetes/exec.js';

/** An API server that answers each connection into a pod with the next of these statuses, and the last one for good. */
async function answering(statuses: readonly number[]) {
  const folder = await mkdtemp(join(tmpdir(), 'exec-'));
  const asked: string[] = [];
  // without a web socket it says in words what is wrong
  const server = createServer((_request, response) => {
    const message = 'pods "postgres-0" is forbidden: User "me" cannot create resource "pods/exec"';
    response.writeHead(403).end(JSON.stringify({ kind: 'Status', reason: 'Forbidden', message }));
  }).on('upgrade', ({ url }, socket) => {
    const status = statuses[Math.min(asked.length, statuses.length - 1)] ?? 500;
    asked.push(url ?? '');
    socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const kubeconfig = join(folder, 'kubeconfig');
  const here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const context = { name: 'here', context: { cluster: 'here', user: 'me' } };
  await writeFile(
    kubeconfig,
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'here', contexts: [context] },
      // or the client takes no plain HTTP
      clusters: [{ name: 'here', cluster: { server: here, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'me', user: {} }],
    }),
  );
  return {
    asked,
    api: openApi({ name: 'here', kubeconfig, context: 'here' }),
    close: async () => {
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}

const inPod = { namespace: 'shop', pod: 'postgres-0', container: 'postgres', command: ['true'] };

test('a kubelet that does not know the container yet is asked again; a refusal is told at once, in words', async () => {
  const { api, asked, close } = await answering([500, 404, 403]);
  try {
    const result = execInPod(api, { ...inPod, signal: new AbortController().signal });
    await expect(result).rejects.toMatchObject({
      name: 'ExecRefused',
      message: expect.stringContaining('User "me" cannot create resource "pods/exec"') as string,
    });
    expect(asked).toHaveLength(3);
    expect(asked[2]).toContain('/namespaces/shop/pods/postgres-0/exec');
  } finally {
    await close();
  }
});

test('who does not want to wait any longer is not kept', async () => {
  const { api, close } = await answering([500]);
  const enough = new Error('enough');
  const abort = new AbortController();
  try {
    const result = execInPod(api, { ...inPod, signal: abort.signal });
    setTimeout(() => {
      abort.abort(enough);
    }, 300);
    await expect(result).rejects.toBe(enough);
  } finally {
    await close();
  }
});
