/**
 * Makes sure of what the tests need of a machine: a Docker engine, and images for it. Where both
 * are there, nothing is installed; a Debian machine without them is given the rig.
 *
 *   eval "$(node test/rig/ensure.mjs)"     sets what the tests then need to know
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const RIG_REGISTRY = 'http://127.0.0.1:5000';
const RIG_IMAGES = [
  'kindest/node/manifests/v1.20.2',
  'library/postgres/manifests/17-alpine',
  'library/busybox/manifests/latest',
];
/** kind's default node image cannot be pulled from the rig. */
const RIG_ENVIRONMENT = { JEST_KUBERNETES_NODE_IMAGE: 'kindest/node:v1.20.2' };

/** What cannot be put right from here; its message is for a person. */
export class NotPossible extends Error {}

const say = (line) => process.stderr.write(`${line}\n`);
const run = (command, args, timeout) => spawnSync(command, args, { encoding: 'utf8', timeout });
const lastLine = (text) => text?.trim().split('\n').at(-1) ?? '';

/** The Docker engine as its own command line sees it. */
function askEngine() {
  const { error, status, stdout, stderr } = run('docker', ['info', '--format', '{{json .}}'], 20_000);
  if (error?.code === 'ENOENT') return { answers: false, said: 'there is no docker command' };
  if (error) return { answers: false, said: 'docker info did not answer within 20 s' };
  const info = /^\{/.test(stdout) ? JSON.parse(stdout) : {};
  const failure = info.ServerErrors?.[0] ?? (status === 0 ? undefined : lastLine(stderr));
  if (failure !== undefined)
    return { answers: false, said: failure, forbidden: /permission denied/i.test(failure) };
  return { answers: true, mirrors: info.RegistryConfig?.Mirrors ?? [] };
}

/** Whether the rig's registry holds every image. */
async function rigServes(registry) {
  const asked = RIG_IMAGES.map(async (path) => {
    const headers = { Accept: 'application/vnd.docker.distribution.manifest.v2+json' };
    return (await fetch(`${registry}/v2/${path}`, { headers, signal: AbortSignal.timeout(5_000) })).ok;
  });
  return (await Promise.all(asked).catch(() => [false])).every(Boolean);
}

/** Undefined when the engine can pull from Docker Hub, else what it said. */
function askDockerHub() {
  const { error, status, stderr } = run('docker', ['pull', '--quiet', 'busybox'], 60_000);
  if (status === 0) return undefined;
  const said = error ? 'docker pull busybox did not end within 60 s' : lastLine(stderr);
  // it answers, and images that are here already need no pull: the tests can say more
  if (!/toomanyrequests|too many requests|rate limit/i.test(said)) return said;
  say(`Docker Hub limits this machine's pulls for now: ${said}`);
  return undefined;
}

function isDebian(osRelease) {
  try {
    return /^ID="?debian"?$/m.test(readFileSync(osRelease, 'utf8'));
  } catch {
    return false;
  }
}

/** How to run something as root without asking anyone: a command prefix, or undefined. */
function asRoot() {
  if (run('id', ['-u']).stdout?.trim() === '0') return [];
  return run('sudo', ['-n', 'true'], 5_000).status === 0 ? ['sudo', '-n'] : undefined;
}

/**
 * Ends when Docker and images are there.
 * @returns the variables that the tests need on this machine
 * @throws NotPossible, saying what is missing and what to do
 */
export async function ensure({
  registry = RIG_REGISTRY,
  osRelease = '/etc/os-release',
  up = `${here}up`,
  environment = process.env,
} = {}) {
  const engine = askEngine();
  const ofRig = engine.answers && engine.mirrors.some((mirror) => mirror.replace(/\/$/, '') === registry);
  if (ofRig && (await rigServes(registry))) return RIG_ENVIRONMENT;
  const problem = engine.answers
    ? ofRig
      ? `the registry on ${registry} does not answer, or lacks an image`
      : askDockerHub()
    : `no Docker engine answers: ${engine.said}`;
  if (problem === undefined) return {};

  const missing =
    engine.answers && !ofRig ? `Docker runs, but cannot pull from Docker Hub: ${problem}` : problem;
  if (engine.forbidden) {
    throw new NotPossible(
      `Docker runs, but not for this user: ${engine.said}\nLet this user talk to it (on Linux: the group docker), or run this as root.`,
    );
  }
  if (environment.DOCKER_HOST) {
    throw new NotPossible(
      `${missing}\nDOCKER_HOST is ${environment.DOCKER_HOST}: start that engine, or unset the variable.`,
    );
  }
  if (!isDebian(osRelease)) {
    throw new NotPossible(
      `${missing}\nStart Docker with access to Docker Hub (https://docs.docker.com/get-started/get-docker/), then run this again.`,
    );
  }
  const root = asRoot();
  if (root === undefined) {
    throw new NotPossible(
      `${missing}\nStart Docker with access to Docker Hub; or let Debian's packages stand in for both, which needs root:\n    sudo ${up}`,
    );
  }
  say(`${missing}\nThis is a Debian machine: Debian's own packages stand in for both (test/rig/README.md).`);
  const cache = environment.RIG_CACHE ? ['env', `RIG_CACHE=${environment.RIG_CACHE}`] : [];
  const [command, ...args] = [...root, ...cache, up];
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', process.stderr, process.stderr] });
  if (status !== 0)
    throw new NotPossible(`The rig could not be set up: ${error?.message ?? `see above (${up})`}`);
  return RIG_ENVIRONMENT;
}

/** As `ensure`, for a script: what the person has set wins, and what is not possible ends it. */
export async function environmentForTests() {
  try {
    return { ...(await ensure()), ...process.env };
  } catch (error) {
    if (!(error instanceof NotPossible)) throw error;
    say(error.message);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const environment = await environmentForTests();
  for (const name of Object.keys(RIG_ENVIRONMENT)) {
    if (environment[name] !== undefined) console.log(`export ${name}='${environment[name]}'`);
  }
}
