import { formatBytesInTenths } from '../../report/index.js';
import { formatCpus } from '../quantity.js';
import type { Recognise } from './cause.js';
import { firstOf, present } from './reading.js';
import { thresholds } from './thresholds.js';

const portFailures = [
  /host port for \S*?:(?<port>\d+):\S*: address already in use/,
  /Bind for \S*?:(?<port>\d+) failed: port is already allocated/,
  /listen \w+ \S*?:(?<port>\d+): bind: address already in use/,
  /address already in use \S*?:(?<port>\d+)/,
];

/** The port that a failure's text complains about, as Docker, podman or Node.js words it. */
export function portIn(failure: string): number | undefined {
  const port = firstOf(portFailures, (shape) => shape.exec(failure)?.groups?.['port']);
  return port === undefined ? undefined : Number(port);
}

export const portTaken: Recognise = (snapshot, { failure = '', engineHost }) => {
  const port = portIn(failure);
  if (port === undefined) return undefined;
  const lines = failure.split('\n').filter((line) => line.includes(String(port)));
  // what Node.js says so of is a port of this machine in any case
  if (engineHost !== undefined && !failure.includes('EADDRINUSE')) {
    return {
      sentence: `port ${String(port)} of ${engineHost}, where the container engine is, is taken`,
      evidence: lines,
      remedy: `Choose another port; without one, any free port is taken.`,
      conclusive: true,
    };
  }
  const owner = snapshot.host.ports.find((each) => each.port === port);
  const who =
    owner?.pid === undefined
      ? owner && `a process of ${owner.uid === 0 ? 'root' : `user ${String(owner.uid)}`}`
      : `process ${String(owner.pid)}`;
  return {
    sentence: `port ${String(port)} of this machine is taken${who ? ` by ${who}` : ''}${owner?.command ? ` (${owner.command})` : ''}`,
    evidence: present([
      owner &&
        `${owner.address}:${String(port)} is listened on by ${who ?? ''}${owner.command ? `: ${owner.command}` : ''}`,
      ...lines,
    ]),
    remedy: `End that process, or choose another port; without one, any free port is taken.`,
    conclusive: true,
  };
};

export const apiNotAnswering: Recognise = (snapshot, { apiSilentMs = 0 }) => {
  if (snapshot.api?.answers !== false) return undefined;
  const down = snapshot.containers.filter(({ state }) => state !== 'running');
  return {
    sentence: down[0]
      ? `the cluster's API server does not answer: the node's container ${down[0].name} is ${down[0].state}`
      : `the cluster's API server does not answer: ${snapshot.api.error ?? ''}`,
    evidence: present([
      ...snapshot.containers.map(
        ({ name, state, exitCode, oomKilled }) =>
          `container ${name}: ${state}${state === 'exited' ? `, exit code ${String(exitCode)}` : ''}${oomKilled ? ', out of memory' : ''}`,
      ),
      `asked how it is: ${snapshot.api.error ?? ''}`,
      `host: ${formatBytesInTenths(snapshot.host.freeMemoryBytes)} of memory available, load ${snapshot.host.loadAverage.map((load) => load.toFixed(1)).join(' ')} on ${formatCpus(snapshot.host.cpus)}`,
    ]),
    remedy: down[0]
      ? `Start it again (\`docker start ${down[0].name}\`, or \`docker unpause\`), or delete the cluster so that the next run makes a new one.`
      : `See whether the node's container is short of memory or CPU, and the log of kube-apiserver in it.`,
    conclusive: down.length > 0 || apiSilentMs >= thresholds.apiSilentMs,
  };
};
