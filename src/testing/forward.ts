import {
  containerPort,
  containersOf,
  type ForwardedPods,
  forwardToPods,
  podsBehind,
  type Service,
} from '../kubernetes/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { cluster } from './cluster.js';
import { podsNow, podsOf, type PodsOfTarget } from './pods-of.js';
import { read } from './refusal.js';
import type { Scope, Trace } from './scope.js';
import { pathOf, type Target } from './target.js';
import { currentScope } from './test-file.js';
import { untilEnd } from './until-end.js';

export interface ForwardOptions {
  /** For a target that names none itself. Default: the test's own. */
  namespace?: string | undefined;
  /** The port to listen on. Default: any free one. */
  localPort?: number | undefined;
}

/** A port of this machine that leads to pods. */
export interface Forward {
  /** `http://127.0.0.1:PORT`; `https:` where the port is 443, or called `https`. */
  url: string;
  /** `127.0.0.1` */
  host: string;
  port: number;
  /** Ends it before its test does. */
  readonly close: () => Promise<void>;
}

const host = '127.0.0.1';
const secure: readonly (string | number)[] = [443, 8443, 'https'];

/**
 * Forwards a free port of 127.0.0.1 to a pod, a service, or a workload, until its test ends.
 *
 * Each connection goes to a pod that is ready then, and waits up to 30 s for one: it outlives restarts and rollouts. A
 * connection to a port that nobody listens on is closed.
 *
 * @param port - the service's, or the pods' own; or its name; default: the only one that there is
 * @example
 * const { url } = await forward('service/web', 80);
 * await eventually(async () => expect((await fetch(url)).status).toBe(200));
 * @throws JestKubernetesError TARGET_INVALID where there is no such target, or port; PORT_TAKEN where `localPort` is in use;
 *   FORWARD_FAILED; FORBIDDEN; NO_CLUSTER
 */
export async function forward(
  target: Target,
  port?: number | string,
  options: ForwardOptions = {},
): Promise<Forward> {
  const scope = currentScope();
  const { api } = cluster();
  const pods = await podsOf(target, { namespace: options.namespace, scope });
  const trace = scope.traces.at(-1);
  const { scheme, ...to } = await placeOf(pods, port, scope);
  const { localPort } = options;
  const forwarded = await forwardToPods(api, {
    ...{ ...to, localPort, signal: scope.signal },
    onTrouble: (message) => {
      if (trace !== undefined) note(trace, message);
    },
  }).catch((error: unknown) => {
    scope.signal.throwIfAborted();
    throw notListening(error, localPort);
  });
  await untilEnd(scope, forwarded.close);
  return {
    ...{ url: `${scheme}://${host}:${forwarded.port}`, host, port: forwarded.port },
    close: forwarded.close,
  };
}

/** For whom looks why the test is red: its own error is only that a connection was closed. */
function note(trace: Trace, message: string): void {
  trace.condition = 'reachable';
  trace.lacks = message;
}

function notListening(error: unknown, localPort: number | undefined): JestKubernetesError {
  const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  return new JestKubernetesError(
    isTaken ? 'PORT_TAKEN' : 'FORWARD_FAILED',
    isTaken ? `The port ${localPort ?? 0} of ${host} is in use` : `Cannot listen on ${host}`,
    {
      evidence: [messageOf(error)],
      remedy: isTaken ? 'Leave localPort out: a free one is taken.' : undefined,
      cause: error,
    },
  );
}

interface Place extends Pick<ForwardedPods, 'namespace' | 'pod' | 'selector' | 'port'> {
  scheme: 'http' | 'https';
}

async function placeOf(pods: PodsOfTarget, port: number | string | undefined, scope: Scope): Promise<Place> {
  const { located, namespace, pod, selector } = pods;
  if (located.apiVersion === 'v1' && located.kind === 'Service') {
    const service = await read<Service>(cluster().api, pathOf(located), located, scope.signal);
    const ports = (service.spec.ports ?? []).map(({ name, port: number }) => ({ name, number }));
    const wanted = port ?? theOnly(pods, ports);
    requirePort(pods, ports, wanted);
    const { name, port: number } =
      service.spec.ports?.find((each) => [each.port, each.name].includes(wanted)) ?? {};
    const scheme = schemeOf(name, number);
    return { ...podsBehind(service, wanted), scheme };
  }
  const there = await podsNow(pods, scope.signal);
  const ports = there
    .flatMap((each) => containersOf(each).flatMap((container) => container.ports ?? []))
    .map(({ name, containerPort: number }) => ({ name, number }));
  const wanted = port ?? theOnly(pods, ports);
  // a container need not tell of its ports, nor a pod be there yet
  if (typeof wanted === 'string' && there.length > 0) requirePort(pods, ports, wanted);
  const number = there.map((each) => containerPort(each, wanted)).find((each) => each !== undefined);
  return { ...{ namespace, pod, selector, port: wanted }, scheme: schemeOf(wanted, number) };
}

const schemeOf = (...words: readonly (string | number | undefined)[]): 'http' | 'https' =>
  words.some((word) => word !== undefined && secure.includes(word)) ? 'https' : 'http';

interface Port {
  name: string | undefined;
  number: number;
}

const describePorts = (ports: readonly Port[]): string =>
  [
    ...new Set(
      ports.map(({ name, number }) => (name === undefined ? String(number) : `${number} (${name})`)),
    ),
  ].join(', ');

function theOnly({ what }: PodsOfTarget, ports: readonly Port[]): number {
  const numbers = [...new Set(ports.map(({ number }) => number))];
  const [only] = numbers;
  if (only !== undefined && numbers.length === 1) return only;
  throw new JestKubernetesError('TARGET_INVALID', `Which port of ${what} is meant is not said`, {
    evidence: [ports.length === 0 ? 'it tells of none' : `it has ${describePorts(ports)}`],
    remedy: 'Name it: forward(target, 8080), or forward(target, "http")',
  });
}

function requirePort({ what }: PodsOfTarget, ports: readonly Port[], wanted: number | string): void {
  if (ports.some(({ name, number }) => [name, number].includes(wanted))) return;
  throw new JestKubernetesError('TARGET_INVALID', `${what} has no port ${wanted}`, {
    evidence: [ports.length === 0 ? 'it has none' : `it has ${describePorts(ports)}`],
  });
}
