import type { CoreV1Event, V1Node, V1Pod } from '@kubernetes/client-node';

import { yaml } from '../../support/native.js';
import type { ContainerLog, Snapshot } from '../snapshot.js';
import type { BundleOptions } from './options.js';
import {
  eventsText,
  hostText,
  type Named,
  nodeText,
  pairs,
  placeOf,
  podText,
  tellingVariables,
  timelineText,
  yamlOf,
} from './text.js';

/** Files by name, each with its text; one without a text is not written. */
export type Files<Seen> = Readonly<Record<string, (seen: Seen) => string | undefined>>;

/** Of the run itself, beside its summary.txt. */
export const runFiles: Files<BundleOptions> = {
  'timeline.txt': ({ timeline }) => timelineText(timeline),
  'versions.txt': ({ versions }) => pairs(versions),
  'environment.txt': ({ env }) => pairs(tellingVariables(env)),
};

/** Of the machine and its engine, whether there is a cluster or not. */
export const hostFiles: Files<Snapshot> = {
  'host.txt': ({ host }) => hostText(host),
  'node-containers.yaml': ({ containers }) =>
    containers.length > 0 ? yaml().stringify(containers) : undefined,
};

/** What is seen of a cluster that answers, in all the namespaces that were looked at. */
export interface ClusterSeen {
  nodes: readonly V1Node[];
  pods: readonly V1Pod[];
  events: readonly CoreV1Event[];
  /** With the storage classes. */
  claims: readonly object[];
}

export const clusterFiles: Files<ClusterSeen> = {
  'nodes.txt': ({ nodes }) => nodes.map(nodeText).join('\n'),
  'nodes.yaml': ({ nodes }) => yamlOf(nodes),
  'events.txt': ({ events }) => eventsText(events),
  'pods.txt': ({ pods, events }) => pods.map((pod) => podText(pod, events)).join('\n'),
  'claims.yaml': ({ claims }) => yamlOf(claims),
};

export const podFile = (pod: V1Pod) => `pods/${placeOf(pod)}.yaml`;
export const logFile = (pod: Named, { container, previous }: ContainerLog) =>
  `logs/${placeOf(pod)}/${container}${previous ? '.previous' : ''}.log`;
/** Of what the cluster's provider has exported. */
export const providerFile = (path: string) => `kind/${path}`;
