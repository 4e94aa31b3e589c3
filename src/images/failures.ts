import { type ErrorCode, JestKubernetesError } from '../support/errors.js';
import type { ImageReference } from '../support/image-reference.js';

/** A pull that failed. */
export class PullError extends JestKubernetesError {
  /** @param passing - the same pull may well work in a moment */
  constructor(
    code: ErrorCode,
    readonly passing: boolean,
    message: string,
    details: { evidence: readonly string[]; remedy: string; cause?: unknown },
  ) {
    super(code, message, details);
  }

  /** Whether another registry could do better: not where the image is missing, the disk full, and so on. */
  get worthAMirror(): boolean {
    return this.passing || this.code === 'IMAGE_RATE_LIMITED' || this.code === 'REGISTRY_UNREACHABLE';
  }
}

interface Symptom {
  /** What engines say, Docker (both image stores), Podman, nerdctl. */
  says: RegExp;
  /** Only where the image is of this registry. */
  registry?: string;
  code: ErrorCode;
  passing?: true;
  sentence: (image: ImageReference) => string;
  remedy: (image: ImageReference) => string;
}

const logIn = ({ registry }: ImageReference): string =>
  `docker login${registry === 'docker.io' ? '' : ` ${registry}`}`;
const tryAgain = ({ registry }: ImageReference): string =>
  `Try again later; is something wrong at ${registry}?`;

const diskFull = /no space left on device|disk quota exceeded/i;
const wrongPlatform =
  /no matching manifest|no match for platform|does not (?:match|provide) the specified platform|no suitable export target found for platform|no image found in (?:manifest list|image index) for arch|unsupported platform/i;

/** From an engine's words to a cause. The first match counts, so what is more certain stands further up. */
const symptoms: readonly Symptom[] = [
  {
    says: diskFull,
    code: 'DISK_FULL',
    sentence: ({ name }) => `The disk is full: ${name} could not be stored`,
    remedy: () =>
      'Make room where the container engine keeps its images: docker system df, docker system prune',
  },
  {
    says: /cannot connect to the \w+ daemon|is the docker daemon running|connect (?:ENOENT|EACCES|ECONNREFUSED) \S*\.sock|working container runtime strategy|^the engine's answer broke off/i,
    code: 'RUNTIME_NOT_ANSWERING',
    sentence: ({ name }) => `The container engine went away while it pulled ${name}`,
    remedy: () => 'See that it runs: docker info',
  },
  {
    says: /docker credential provider|error getting credentials|docker-credential-[\w.-]+/i,
    code: 'IMAGE_UNAUTHORIZED',
    sentence: ({ name }) => `The credential helper that is to log in for ${name} does not work`,
    remedy: () => 'Install it, or remove credsStore and credHelpers from config.json in ~/.docker',
  },
  {
    says: /toomanyrequests|too many requests|\b429\b|rate limit/i,
    code: 'IMAGE_RATE_LIMITED',
    sentence: ({ name, registry }) => `${registry} limits how often images are pulled, and refused ${name}`,
    remedy: (image) =>
      image.registry === 'docker.io'
        ? `Log in for a higher limit (${logIn(image)}), or name a mirror in the option mirrors`
        : `Log in for a higher limit (${logIn(image)}), or wait`,
  },
  {
    says: wrongPlatform,
    code: 'IMAGE_PLATFORM',
    sentence: ({ name }) => `${name} does not exist for this machine's platform`,
    remedy: () => 'Use a tag that is built for it, or build the image with an entry { build, tag } in images',
  },
  {
    // Docker Hub does not tell a private repository from one that is not there
    says: /pull access denied|requested access to the resource is denied|insufficient_scope/i,
    registry: 'docker.io',
    code: 'IMAGE_NOT_FOUND',
    sentence: ({ repository }) => `Docker Hub has no public image called ${repository}`,
    remedy: (image) => `Check the name's spelling; if the image is private: ${logIn(image)}`,
  },
  {
    says: /no basic auth credentials|unauthorized|authentication required|incorrect username or password|invalid username\/password|\b401\b|\b403\b|forbidden|\baccess (?:to the resource )?is denied|^denied|: denied|authorization failed/i,
    code: 'IMAGE_UNAUTHORIZED',
    sentence: ({ name, registry }) =>
      `${registry} wants credentials for ${name}, or others than it was given`,
    remedy: (image) => `${logIn(image)}, with an account that may pull it`,
  },
  {
    says: /manifest (?:for .* )?(?:not found|unknown)|name unknown|repository .*(?:not found|does not exist)|pull access denied|: not found\b|\b404\b/i,
    code: 'IMAGE_NOT_FOUND',
    sentence: ({ registry, repository, tag, digest }) =>
      `${registry} has no image ${repository} with the ${digest === undefined ? `tag ${tag ?? ''}` : `digest ${digest}`}`,
    remedy: () => 'Check the spelling of name and tag',
  },
  {
    says: /server gave HTTP response to HTTPS client/i,
    code: 'REGISTRY_UNREACHABLE',
    sentence: ({ registry }) => `${registry} speaks HTTP, and the container engine insists on HTTPS`,
    remedy: ({ registry }) => `Add "${registry}" to insecure-registries in the engine's configuration`,
  },
  {
    says: /x509|certificate (?:signed by|is not|has expired)/i,
    code: 'REGISTRY_UNREACHABLE',
    sentence: ({ registry }) => `The container engine does not trust the certificate of ${registry}`,
    remedy: ({ registry }) =>
      `Behind a proxy that opens TLS, install its certificate for the engine (/etc/docker/certs.d/${registry}/ca.crt)`,
  },
  {
    says: /no such host|server misbehaving|name resolution|lookup \S+.*i\/o timeout/i,
    code: 'REGISTRY_UNREACHABLE',
    sentence: ({ registry }) => `The name of the registry ${registry} cannot be resolved (DNS)`,
    remedy: () => "Check the network connection, the name's spelling, and the engine's proxy settings",
  },
  {
    says: /connection refused|network is unreachable|no route to host|host is down/i,
    code: 'REGISTRY_UNREACHABLE',
    sentence: ({ registry }) => `The registry ${registry} cannot be reached`,
    remedy: () => 'Check the network connection, that the registry runs, and firewall and proxy settings',
  },
  {
    says: /nothing came for [\d.]+ s, after/,
    code: 'REGISTRY_UNREACHABLE',
    passing: true,
    sentence: ({ name, registry }) => `${registry} sends nothing more of ${name}`,
    remedy: () => 'Check the network connection, and firewall and proxy settings',
  },
  {
    says: /i\/o timeout|deadline exceeded|Client\.Timeout|handshake timeout|request canceled|timed? ?out/i,
    code: 'REGISTRY_UNREACHABLE',
    passing: true,
    sentence: ({ registry }) => `The registry ${registry} did not answer in time`,
    remedy: () => 'Check the network connection, and firewall and proxy settings',
  },
  {
    says: /connection reset|\bEOF\b|broken pipe|socket hang up|ECONNRESET|tls:|short read|failed commit on ref|filesystem layer verification failed/i,
    code: 'IMAGE_PULL_FAILED',
    passing: true,
    sentence: ({ name, registry }) => `The connection to ${registry} broke while ${name} was pulled`,
    remedy: tryAgain,
  },
  {
    says: /\b50[0-9]\b|internal server error|bad gateway|service unavailable/i,
    code: 'IMAGE_PULL_FAILED',
    passing: true,
    sentence: ({ name, registry }) => `${registry} failed to deliver ${name}`,
    remedy: tryAgain,
  },
];

/** What a failed pull of an image means, from the engine's own words. */
export function explainPull(image: ImageReference, words: string, cause?: unknown): PullError {
  const evidence = words
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-5);
  const told = withoutNames(words, image);
  const known = symptoms.find(
    ({ says, registry }) => says.test(told) && (registry === undefined || registry === image.registry),
  );
  return new PullError(
    known?.code ?? 'IMAGE_PULL_FAILED',
    known?.passing ?? false,
    known?.sentence(image) ?? `${image.name} could not be pulled`,
    {
      evidence,
      remedy: known?.remedy(image) ?? 'Pull it by hand to see more: docker pull ' + image.name,
      cause,
    },
  );
}

/** Where an engine names the image, in words of its own. */
const named =
  /(?:\w+:\/\/|(?<=\b(?:denied|manifest) for )|(?<=\breading manifest )|(?<=\brepository )(?=\S+ not found))[^\s"]+?(?=[:,]?(?:[\s"]|$))/g;

/** Without what somebody chose: an image called `team/forbidden:404` may fail for another reason. */
function withoutNames(words: string, { name, registry, repository }: ImageReference): string {
  const references = [name, `${registry}/${repository}`];
  return references
    .reduce((text, reference) => text.replaceAll(reference, '…'), words)
    .replaceAll(named, '…');
}

/** Whether an engine or a node says that its disk is full. */
export function saysDiskFull(words: string): boolean {
  return diskFull.test(words);
}

const notRunning =
  /(?:container (?<stopped>\S+) is not running|container (?<paused>\S+) is paused|(?:in|on) (?:a )?(?:paused|stopped|running) containers?\b|no such container)/i;

/** What wakes a node's container, where that is what an engine says of it; else undefined. */
export function saysNotRunning(words: string, { command }: { command: string }): string | undefined {
  const said = notRunning.exec(words);
  if (said === null) return undefined;
  const { paused, stopped } = said.groups ?? {};
  if (paused !== undefined) return `${command} unpause ${paused}`;
  return stopped === undefined ? `${command} ps --all` : `${command} start ${stopped}`;
}

/** Whether an engine or a node says that an image is of another platform. */
export function saysWrongPlatform(words: string): boolean {
  return wrongPlatform.test(words);
}
