import type { ContainerPlace } from './running-container.js';

/** Which part of a log, in the API server's own words. */
export interface LogQuery {
  previous?: boolean;
  sinceSeconds?: number;
  sinceTime?: string;
  tailLines?: number;
}

export function logPath(
  { namespace, pod, container }: ContainerPlace,
  query: LogQuery & { follow?: boolean },
): string {
  const all = Object.entries({ container, ...query }).map(([key, value]): [string, string] => [
    key,
    String(value),
  ]);
  const place = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}`;
  return `${place}/log?${new URLSearchParams(all).toString()}`;
}
