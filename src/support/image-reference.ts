import { JestKubernetesError, messageOf } from './errors.js';

/** An image reference, with everything that Docker leaves out filled in. */
export interface ImageReference {
  /** The registry's host, with its port: `docker.io`, `127.0.0.1:5000`. */
  registry: string;
  /** The path in it: `library/postgres`. */
  repository: string;
  /** Undefined only where a digest stands alone. */
  tag: string | undefined;
  /** `sha256:…`. */
  digest: string | undefined;
  /**
   * The name by which engines and the kubelet know it: `docker.io/library/postgres:17-alpine`, or with a digest
   * `docker.io/library/postgres@sha256:…` (the digest decides; Kubernetes drops a tag beside it, and so do we).
   */
  name: string;
}

// the grammar of github.com/distribution/reference
const hostPattern = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[a-fA-F0-9:]+\])(?::\d+)?$/;
const repositoryPattern =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^[a-z][a-z0-9]*(?:[+._-][a-z][a-z0-9]*)*:[0-9a-fA-F]{32,}$/;

/**
 * Reads an image reference as Docker does: `postgres` is `docker.io/library/postgres:latest`.
 * @throws JestKubernetesError CONFIG_INVALID, saying which part is wrong
 */
export function parseReference(text: string): ImageReference {
  const [named = '', digest, ...tooMany] = text.split('@');
  if (tooMany.length > 0 || (digest !== undefined && !digestPattern.test(digest))) {
    throw invalid(text, `after @ stands a digest such as sha256:<64 hexadecimal digits>`);
  }
  // the host is what stands before the first slash, if it cannot be a part of a path
  const slash = named.indexOf('/');
  const first = named.slice(0, Math.max(slash, 0));
  const hasHost = slash > 0 && (/[.:A-Z]/.test(first) || first === 'localhost');
  const path = hasHost ? named.slice(slash + 1) : named;
  const colon = path.indexOf(':');
  const repository = colon < 0 ? path : path.slice(0, colon);
  const tag = colon < 0 ? undefined : path.slice(colon + 1);
  const registry = !hasHost || first === 'index.docker.io' ? 'docker.io' : first;

  if (!hostPattern.test(registry)) throw invalid(text, `“${registry}” is no registry's host`);
  if (repository === '') throw invalid(text, 'the name is missing');
  if (/[A-Z]/.test(repository)) throw invalid(text, `the name “${repository}” must be in lower case`);
  if (!repositoryPattern.test(repository)) {
    throw invalid(text, `“${repository}” is no name: lower-case letters, digits, and . _ - / between them`);
  }
  if (!hasHost && /^[0-9a-f]{64}$/.test(repository)) {
    throw invalid(text, 'an image id cannot be pulled; name the image');
  }
  if (tag !== undefined && !tagPattern.test(tag)) {
    throw invalid(text, `“${tag}” is no tag: up to 128 letters, digits, and . _ -`);
  }
  return reference({
    registry,
    repository: registry === 'docker.io' && !repository.includes('/') ? `library/${repository}` : repository,
    tag: tag ?? (digest === undefined ? 'latest' : undefined),
    digest,
  });
}

/** What is wrong with a text that is to be an image reference; undefined where it is one. */
export function referenceProblem(text: string): string | undefined {
  try {
    parseReference(text);
    return undefined;
  } catch (error) {
    return error instanceof JestKubernetesError ? error.evidence[0] : messageOf(error);
  }
}

/**
 * The same image at a mirror of Docker Hub, such as `mirror.gcr.io` or `public.ecr.aws/docker`. Undefined for all but
 * its official images: nobody mirrors others by agreed names, and a private one's name is nobody else's business.
 */
export function atMirror(image: ImageReference, mirror: string): ImageReference | undefined {
  const isOfficial = image.registry === 'docker.io' && image.repository.startsWith('library/');
  if (!isOfficial) return undefined;
  const [registry = '', ...prefix] = mirror.replace(/\/+$/, '').split('/');
  return reference({ ...image, registry, repository: [...prefix, image.repository].join('/') });
}

/** The hosts of the registries that a pull of an image asks: its own first, then the mirrors that may have it. */
export function registriesOf(text: string, mirrors: readonly string[]): string[] {
  const image = parseReference(text);
  const others = mirrors.flatMap((mirror) => atMirror(image, mirror)?.registry ?? []);
  return [...new Set([image.registry, ...others])];
}

function reference(parts: Omit<ImageReference, 'name'>): ImageReference {
  const { registry, repository, tag, digest } = parts;
  const version = digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`;
  return { ...parts, name: `${registry}/${repository}${version}` };
}

function invalid(text: string, why: string): JestKubernetesError {
  return new JestKubernetesError('CONFIG_INVALID', `“${text}” is not an image reference`, {
    evidence: [why],
    remedy: 'Write it as for docker pull: postgres:17-alpine, or registry.example:5000/team/app:1.2',
  });
}
