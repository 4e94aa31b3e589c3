import { type ErrorCode, JestKubernetesError } from '../../support/errors.js';

interface KnownFailure {
  seen: RegExp;
  code?: ErrorCode;
  cause: string;
  remedy: string;
}

/** What kind's documentation wants of a machine with several nodes. */
export const inotifyForNodes = { max_user_watches: 524288, max_user_instances: 512 } as const;
export const raiseInotify = `sudo sysctl ${Object.entries(inotifyForNodes)
  .map(([name, value]) => `fs.inotify.${name}=${value}`)
  .join(' ')}`;

export const makeRoomOnDisk =
  'Make room (docker system df tells what takes it, docker system prune removes what is unused).';

/** What one node needs, in bytes. */
export const nodeMemory = 2e9;
export const moreMemory = `Give Docker more memory (a node needs some ${nodeMemory / 1e9} GB), or use fewer nodes.`;

/** What kind's words mean: the first that fits is the cause. */
const knownFailures: readonly KnownFailure[] = [
  {
    seen: /node\(s\) already exist for a cluster with the name|container name "[^"]*" is already in use/i,
    code: 'CLUSTER_NAME_TAKEN',
    cause: 'a container of that name is there already',
    remedy: 'Choose another cluster.name (JEST_KUBERNETES_NAME), or delete that cluster if nobody needs it.',
  },
  {
    seen: /port is already allocated|address already in use|bind: .*in use/i,
    cause: 'a port of the host that the cluster should publish is taken',
    remedy: 'Stop what listens there (ss -ltnp), or choose another hostPort (0 is any free one).',
  },
  {
    seen: /no space left on device/i,
    code: 'DISK_FULL',
    cause: "the disk that holds the engine's files is full",
    remedy: makeRoomOnDisk,
  },
  {
    seen: /toomanyrequests|pull rate limit/i,
    code: 'IMAGE_RATE_LIMITED',
    cause: 'the registry refuses more pulls of the node image for now',
    remedy:
      'Log in (docker login) or set cluster.image to a copy of the node image in a registry of your own.',
  },
  {
    seen: /manifest unknown|manifest for .* not found|repository does not exist|pull access denied/i,
    code: 'IMAGE_NOT_FOUND',
    cause: 'the node image does not exist, or needs a login',
    remedy:
      "See cluster.image (JEST_KUBERNETES_NODE_IMAGE): kind's release notes list the node images that fit.",
  },
  {
    seen: /failed to pull image|no such host|TLS handshake timeout|i\/o timeout|connection refused.*\/v2\//i,
    code: 'REGISTRY_UNREACHABLE',
    cause: 'the node image could not be pulled',
    remedy: 'See that docker pull of it works, or set cluster.image to one that is on this machine.',
  },
  {
    seen: /too many open files|inotify/i,
    cause: "the machine's inotify limits are too low for one more node",
    remedy: raiseInotify,
  },
  {
    seen: /cannot allocate memory|out of memory|signal: killed|oom/i,
    cause: 'the machine (or the virtual machine that Docker runs in) has too little memory',
    remedy: moreMemory,
  },
  {
    seen: /OCI runtime create failed|failed to create (?:shim )?task/i,
    cause: "the engine could not start the node's container",
    remedy: 'See what it says above, and whether docker run of any image works.',
  },
  {
    seen: /could not find a log line that matches|cgroup/i,
    cause: "the node's systemd did not start, which is mostly for want of cgroups or inotify instances",
    remedy:
      'sudo sysctl fs.inotify.max_user_instances=512; see https://kind.sigs.k8s.io/docs/user/known-issues/.',
  },
  {
    seen: /cannot connect to the docker daemon|is the docker daemon running/i,
    code: 'RUNTIME_NOT_ANSWERING',
    cause: 'Docker stopped answering',
    remedy: 'See that docker info works.',
  },
  {
    seen: /unable to decode config|unknown field|invalid configuration|error unmarshaling/i,
    code: 'CONFIG_INVALID',
    cause: 'kind does not accept its configuration',
    remedy: 'See cluster.config against https://kind.sigs.k8s.io/docs/user/configuration/.',
  },
  {
    seen: /kubelet is not running|timed out waiting for the condition|failed to init node with kubeadm/i,
    cause:
      'Kubernetes did not start in the node: often too little memory or CPU, or a node image that does not fit',
    remedy: "See the kubelet's log in the diagnostics bundle, and try the node image of your kind release.",
  },
];

/** The error for a kind that ended by itself: the likely cause, and its own telling lines. */
export function kindFailure(name: string, ending: string, output: readonly string[]): JestKubernetesError {
  const text = output.join('\n');
  const known = knownFailures.find(({ seen }) => seen.test(text));
  const telling = tellingLines(output, known?.seen);
  return new JestKubernetesError(
    known?.code ?? 'CLUSTER_CREATE_FAILED',
    `kind could not create the cluster ${name}${known === undefined ? '' : `: ${known.cause}`}`,
    {
      evidence: [`kind ${ending}`, ...telling],
      remedy:
        known?.remedy ?? 'Run `kind create cluster` by hand to see whether it works without jest-kubernetes.',
    },
  );
}

/** The error for a node that could not be started from a snapshot: the engine's own lines. */
export function cloneFailure(name: string, ending: string, output: readonly string[]): JestKubernetesError {
  return new JestKubernetesError(
    'CLUSTER_CREATE_FAILED',
    `The cluster ${name} could not be started from its snapshot`,
    { evidence: [`docker run ${ending}`, ...output.slice(-4)] },
  );
}

/** Kind prints its steps, then ERROR, then the whole output of what failed, stack traces included: a handful says it all. */
function tellingLines(output: readonly string[], seen: RegExp | undefined): string[] {
  const lines = output
    .map((line) => line.trim())
    .filter(
      (line) =>
        line !== '' && !/^(Stack Trace|goroutine |sigs\.k8s\.io\/|main\.|runtime\.|\/|Usage:)/.test(line),
    )
    .map((line) => line.replace(/command \\?"(\w+ \w+) .*\\?" failed/, 'command "$1 …" failed'))
    .map((line) => clipped(line, seen));
  const telling = lines.filter(
    (line) => /^ERROR|\berror\b|\bfailed\b|\[ERROR/i.test(line) || seen?.test(line),
  );
  return (telling.length > 0 ? telling : lines).slice(-6);
}

const lineLimit = 300;

/** A long line's end where that holds what was recognised, else its start. */
function clipped(line: string, seen: RegExp | undefined): string {
  if (line.length <= lineLimit) return line;
  const end = line.slice(-lineLimit);
  return seen?.test(end) === true && !seen.test(line.slice(0, lineLimit))
    ? `…${end}`
    : `${line.slice(0, lineLimit)}…`;
}
