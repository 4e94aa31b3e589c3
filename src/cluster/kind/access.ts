import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { parse, stringify } from 'yaml';

import type { ClusterAccess } from '../../kubernetes/index.js';
import { hostInUrl } from '../../support/host-in-url.js';
import type { HostAndPort } from '../provider.js';

interface KubeConfig {
  clusters: { name: string; cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { name: string; user: { 'client-certificate-data': string; 'client-key-data': string } }[];
}

export function accessIn(directory: string, name: string): ClusterAccess {
  return { name, kubeconfig: path.join(directory, 'kubeconfig'), context: `kind-${name}` };
}

/**
 * Writes a cluster's kubeconfig, with the names that kind gives, from the node's own admin.conf.
 * @param server - where the API server is reached
 */
export async function writeKubeconfig(
  access: ClusterAccess,
  adminConf: string,
  server: HostAndPort,
): Promise<void> {
  const { clusters, users } = parse(adminConf) as KubeConfig;
  const name = access.context;
  const text = stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: clusters.map(({ cluster }) => ({
        name,
        cluster: { ...cluster, server: `https://${hostInUrl(server.host)}:${server.port}` },
      })),
      users: users.map(({ user }) => ({ name, user })),
      contexts: [{ name, context: { cluster: name, user: name } }],
      'current-context': name,
    },
    { lineWidth: 0 },
  );
  const temporary = `${access.kubeconfig}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(temporary, text, { mode: 0o600, flag: 'wx' });
    await rename(temporary, access.kubeconfig);
  } finally {
    await rm(temporary, { force: true });
  }
}
