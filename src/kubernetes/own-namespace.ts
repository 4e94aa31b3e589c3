import type { KubernetesObject } from './objects.js';
import type { Owner } from './owner.js';

/** Where PostgreSQL and other services live: they answer at `postgres.jest-kubernetes.svc:5432`. */
export const packageNamespace = 'jest-kubernetes';

/** The label of what the package itself brings. */
export const managedBy = { 'app.kubernetes.io/managed-by': 'jest-kubernetes' };

/** The longest that a namespace's name may be. */
const labelLimit = 63;

/** The namespace for an owner: a cluster that several share has one for each, and any name makes a valid one. */
export function namespaceFor(owner: Owner | undefined): string {
  if (owner === undefined) return packageNamespace;
  const { id, cluster } = owner;
  const room = labelLimit - packageNamespace.length - id.length - '--'.length;
  const name = cluster.replaceAll('.', '-').slice(0, room).replace(/-+$/, '');
  return `${packageNamespace}-${name}-${id}`;
}

/**
 * Whatever the cluster's default is: pods at a node's own ports and files are privileged ones, others are as their images
 * are (https://kubernetes.io/docs/concepts/security/pod-security-standards).
 */
export const ownNamespace = (name: string, standard: 'baseline' | 'privileged'): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { ...managedBy, 'pod-security.kubernetes.io/enforce': standard } },
});
