import { createHash } from 'node:crypto';

import { type ServiceConfig, serviceVariables } from '../config/index.js';
import { type KubernetesObject, managedBy, ownNamespace } from '../kubernetes/index.js';
import { environmentAnnotation } from './exposed.js';

interface Placement {
  namespace: string;
  /** The node that publishes its ports; undefined in a cluster whose nodes are not ours. */
  node: string | undefined;
}

/**
 * The node's port for a service, which a cluster of ours publishes: the same for a name whichever package made the
 * cluster, and below those that are given to Services and to connections.
 */
export function nodePortOf({ name }: Pick<ServiceConfig, 'name'>): number {
  return 20_000 + (createHash('sha256').update(name).digest().readUInt32BE(0) % 5_000);
}

/** The objects of services, as a user would write them. */
export function serviceObjects(services: readonly ServiceConfig[], placement: Placement): KubernetesObject[] {
  if (services.length === 0) return [];
  const { namespace, node } = placement;
  return [
    ownNamespace(namespace, node === undefined ? 'baseline' : 'privileged'),
    ...services.flatMap((service) => [itsService(service, namespace), itsDeployment(service, placement)]),
  ];
}

function itsService({ name, port, url }: ServiceConfig, namespace: string): KubernetesObject {
  const variables = Object.entries(serviceVariables(name, url)).map(
    ([variable, text]) => `${variable}=${text}`,
  );
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace,
      labels: labelsOf(name),
      annotations: { [environmentAnnotation]: variables.join(' ') },
    },
    spec: {
      selector: labelsOf(name),
      ports: [{ name: 'service', protocol: 'TCP', port, targetPort: 'service' }],
    },
  };
}

function itsDeployment(service: ServiceConfig, { namespace, node }: Placement): KubernetesObject {
  const { name, image, port, ready, env, args } = service;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: labelsOf(name) },
    spec: {
      replicas: 1,
      // the node's port has room for one
      strategy: { type: 'Recreate' },
      selector: { matchLabels: labelsOf(name) },
      template: {
        metadata: { labels: labelsOf(name) },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 1,
          ...(node === undefined ? {} : { nodeSelector: { 'kubernetes.io/hostname': node } }),
          tolerations: [{ operator: 'Exists' }],
          containers: [
            {
              name,
              image,
              imagePullPolicy: 'IfNotPresent',
              ...(args.length === 0 ? {} : { args }),
              env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
              ports: [
                {
                  name: 'service',
                  containerPort: port,
                  ...(node === undefined ? {} : { hostPort: nodePortOf(service) }),
                },
              ],
              readinessProbe: {
                ...(ready === undefined ? { tcpSocket: { port: 'service' } } : { exec: { command: ready } }),
                periodSeconds: 1,
              },
            },
          ],
        },
      },
    },
  };
}

const labelsOf = (name: string): Record<string, string> => ({ 'app.kubernetes.io/name': name, ...managedBy });
