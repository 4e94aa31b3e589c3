import type { V1Pod } from '@kubernetes/client-node';

import type { Api } from '../kubernetes/index.js';
import { type ContainerLog, statusesOf } from './snapshot.js';

const LOG_LINES = 50;
const LOG_BYTES = 256 * 1024;

interface LogOptions {
  lines?: number;
  bytes?: number;
  /** With the time of each line. */
  timestamps?: true;
  /** What was written before it is left out; in RFC 3339. */
  sinceTime?: string;
}

/** The logs of a pod's containers, as far as they can be had: those of this life and of the one before. */
export async function readLogs(
  api: Api,
  pod: V1Pod,
  { lines = LOG_LINES, bytes = LOG_BYTES, ...more }: LogOptions = {},
): Promise<ContainerLog[]> {
  const name = pod.metadata?.name ?? '';
  const namespace = pod.metadata?.namespace ?? '';
  const wanted = statusesOf(pod).flatMap((status) => [
    ...(status.state?.running !== undefined || status.state?.terminated !== undefined
      ? [{ container: status.name, previous: false }]
      : []),
    ...(status.lastState?.terminated ? [{ container: status.name, previous: true }] : []),
  ]);
  const read = wanted.map(async ({ container, previous }): Promise<ContainerLog[]> => {
    const question = Object.entries({ container, previous, tailLines: lines, limitBytes: bytes, ...more });
    const query = question.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&');
    // the kubelet may have removed a previous life's log, or be gone: what is left still tells
    const text = await api.text(`/api/v1/namespaces/${namespace}/pods/${name}/log?${query}`).catch(() => '');
    return text && !text.startsWith('unable to retrieve container logs')
      ? [{ namespace, pod: name, container, previous, text }]
      : [];
  });
  return (await Promise.all(read)).flat();
}
