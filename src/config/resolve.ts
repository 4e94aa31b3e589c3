import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

import { parse, YAMLParseError } from 'yaml';

import { parseDuration } from '../support/duration.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { openStateDirectory, stateDirectory } from '../support/state-directory.js';
import type {
  ClusterConfig,
  Config,
  Hook,
  ImageSource,
  Limits,
  ManifestSource,
  PhaseTimeouts,
  PostgresConfig,
} from './config.js';
import type {
  ClusterOptions,
  HookOption,
  ImageOption,
  ManifestOption,
  PostgresOptions,
  TimeoutOptions,
  UserConfig,
} from './define-config.js';
import { nodeImage } from './node-images.js';
import { resolveNodes } from './resolve-nodes.js';
import { resolveService } from './service-options.js';

export const defaultPostgresImage = 'postgres:17-alpine';
export const defaultPostgresUser = 'app';
const defaultMirrors = ['mirror.gcr.io', 'public.ecr.aws/docker'];

const seconds = 1000;
const minutes = 60 * seconds;

/** Totals are generous and stalls short: on a slow machine progress is slow, not absent. */
const defaultTimeouts: PhaseTimeouts = {
  cluster: { stall: 90 * seconds, total: 10 * minutes },
  pull: { stall: 120 * seconds, total: 30 * minutes },
  import: { stall: 90 * seconds, total: 15 * minutes },
  manifests: { stall: 90 * seconds, total: 10 * minutes },
  postgres: { stall: 90 * seconds, total: 10 * minutes },
};

export interface ResolveOptions {
  rootDir: string;
  file: string | undefined;
  workspaceRoot: string;
  env: NodeJS.ProcessEnv;
  runtime: Config['runtime'];
  /** The repository of node images, in place of `kindest/node`. */
  nodeImages: string | undefined;
  /** Whether a state directory is made where none is there yet: a default name depends on it. */
  makesState: boolean;
}

/** Fills in defaults and makes paths absolute: they start from the configuration's folder. */
export function resolveConfig(user: UserConfig, options: ResolveOptions): Config {
  const { rootDir, file, workspaceRoot, env, runtime, nodeImages } = options;
  const folder = file === undefined ? rootDir : path.dirname(file);
  const absolute = (each: string): string => path.resolve(folder, each);
  const { cluster = {} } = user;
  const stateDir = whereStateIs(env);
  const config =
    typeof cluster.config === 'string' ? readKindConfig(absolute(cluster.config)) : cluster.config;
  const postgres = resolvePostgres(user.postgres, absolute);
  const images = (user.images ?? []).map((each) => resolveImage(each, absolute));
  if (user.images === undefined && postgres === undefined) {
    images.push({ kind: 'pull', reference: defaultPostgresImage, push: undefined, isOptional: true });
  }
  const services = (user.services ?? []).map(resolveService);
  for (const { image } of [...(postgres === undefined ? [] : [postgres]), ...services]) {
    const isListed = images.some((each) =>
      each.kind === 'pull' ? each.reference === image : each.kind === 'build' && each.tag === image,
    );
    if (!isListed) images.push({ kind: 'pull', reference: image, push: undefined });
  }
  const hooksOf = (given: UserConfig['setup'] = []): Hook[] =>
    [given]
      .flat()
      .map((each: HookOption) =>
        typeof each === 'string' ? { file: absolute(each), call: undefined } : { file, call: each },
      );
  return {
    rootDir,
    file,
    cluster: {
      provider: cluster.provider ?? 'kind',
      name: cluster.name ?? defaultName(workspaceRoot, identityOf(stateDir, options)),
      image: resolveNodeImage(cluster, config, nodeImages),
      nodes: resolveNodes(cluster.nodes ?? 1, absolute),
      config,
      snapshot: cluster.snapshot ?? true,
      standby: cluster.standby ?? false,
      kubeconfig: cluster.kubeconfig === undefined ? undefined : absolute(cluster.kubeconfig),
      context: cluster.context,
      conflicts: cluster.conflicts ?? 'refuse',
    },
    images,
    mirrors: user.mirrors ?? defaultMirrors,
    manifests: (user.manifests ?? []).map((each) => resolveManifest(each, absolute)),
    postgres,
    services,
    keep: user.keep ?? 'never',
    quiet: user.quiet ?? false,
    timeouts: resolveTimeouts(user.timeouts ?? {}),
    diagnostics: resolveDiagnostics(user.diagnostics, absolute),
    dotenv: [user.dotenv ?? []].flat().map(absolute),
    setup: hooksOf(user.setup),
    eachRun: hooksOf(user.eachRun),
    runtime,
    stateDir,
  };
}

function resolveDiagnostics(
  given: UserConfig['diagnostics'] = {},
  absolute: (path: string) => string,
): Config['diagnostics'] {
  const { directory = '.jest-kubernetes', tests = true } =
    typeof given === 'string' ? { directory: given } : given;
  return { directory: absolute(directory), tests };
}

/**
 * `jk-shop-1a2b3c4d`: tells a reader which workspace, and is another for each, and for each state directory: who has no
 * share in one must not want its cluster's name.
 */
function defaultName(workspaceRoot: string, whose: string): string {
  const stem = path
    .basename(workspaceRoot)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 24)
    .replace(/-+$/, '');
  const digest = createHash('sha256').update(`${workspaceRoot}\0${whose}`).digest('hex').slice(0, 8);
  return ['jk', stem, digest].filter((part) => part !== '').join('-');
}

/**
 * Its id, as two containers with one engine may have state directories of one path (that path, while it is not there);
 * and the user's, as `sudo` may go on with a home whose owner cannot read what it makes there.
 */
function identityOf(stateDir: string, { makesState }: ResolveOptions): string {
  const id = makesState ? openStateDirectory(stateDir) : stateDirectory(stateDir)?.id;
  return `${id ?? stateDir}\0${String(process.getuid?.() ?? '')}`;
}

function whereStateIs(env: NodeJS.ProcessEnv): string {
  const named = env['JEST_KUBERNETES_STATE_DIR'];
  const home = env['HOME'] || homedir();
  if (named !== undefined && named !== '') {
    const whole = named.replace(/^~(?=\/|$)/, home);
    if (path.isAbsolute(whole)) return path.resolve(whole);
    throw new JestKubernetesError('CONFIG_INVALID', 'The variable JEST_KUBERNETES_STATE_DIR is not valid', {
      evidence: [
        `JEST_KUBERNETES_STATE_DIR: it is ${JSON.stringify(named)}, but allowed is an absolute path, or one that begins with ~/`,
        'a relative one would be another folder in each package, which then could not share a cluster',
      ],
    });
  }
  const stateHome = env['XDG_STATE_HOME'] ?? '';
  const base =
    process.platform === 'darwin'
      ? path.join(home, 'Library', 'Application Support')
      : // by its specification a relative one is not to be used
        path.isAbsolute(stateHome)
        ? stateHome
        : path.join(home, '.local', 'state');
  return path.join(base, 'jest-kubernetes');
}

function readKindConfig(file: string): Record<string, unknown> {
  const wrong = (what: string, evidence: string, cause?: unknown): JestKubernetesError =>
    new JestKubernetesError('CONFIG_INVALID', `The kind config that cluster.config names ${what}`, {
      evidence: [evidence],
      cause,
    });
  if (!existsSync(file)) throw wrong('is not there', file);
  let value: unknown;
  try {
    value = parse(readFileSync(file, 'utf8'), { prettyErrors: true });
  } catch (error) {
    if (!(error instanceof YAMLParseError))
      throw wrong('cannot be read', `${file}: ${messageOf(error)}`, error);
    const line = error.linePos?.[0].line ?? 1;
    const [what = ''] = error.message.split(/ at line \d+/);
    throw wrong('is not valid YAML', `${file}:${line}: ${what}`, error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong('is not an object', file);
  return value as Record<string, unknown>;
}

/** The node image, or that of the version; undefined where kind is to choose, or its config. */
function resolveNodeImage(
  { provider, version, image }: ClusterOptions,
  config: ClusterConfig['config'],
  mirror: string | undefined,
): string | undefined {
  if (image !== undefined || provider === 'existing') return image;
  const { nodes } = config ?? {};
  const chosen =
    Array.isArray(nodes) && nodes.some((node: { image?: unknown } | null) => node?.image !== undefined);
  return version === undefined && chosen ? undefined : nodeImage(version, mirror);
}

function resolveImage(image: ImageOption, absolute: (each: string) => string): ImageSource {
  const pushTo = (push: string | boolean | undefined, own: string): string | undefined =>
    push === true ? own : push === false ? undefined : push;
  if (typeof image === 'string') return { kind: 'pull', reference: image, push: undefined };
  if ('reference' in image) {
    return { kind: 'pull', reference: image.reference, push: pushTo(image.push, image.reference) };
  }
  if ('archive' in image) return { kind: 'archive', path: absolute(image.archive) };
  return {
    kind: 'build',
    context: absolute(image.build),
    dockerfile: image.dockerfile ?? 'Dockerfile',
    tag: image.tag,
    args: image.args ?? {},
    target: image.target,
    push: pushTo(image.push, image.tag),
  };
}

function resolveManifest(manifest: ManifestOption, absolute: (each: string) => string): ManifestSource {
  if (typeof manifest === 'string') return { kind: 'path', path: absolute(manifest), wait: true };
  const { wait = true } = manifest;
  if ('path' in manifest) return { kind: 'path', path: absolute(manifest.path), wait };
  if ('kustomize' in manifest) return { kind: 'kustomize', path: absolute(manifest.kustomize), wait };
  const { helm, values = [], release = releaseOf(absolute(helm)), namespace = 'default' } = manifest;
  return {
    kind: 'helm',
    path: absolute(helm),
    values: [values].flat().map((each) => (typeof each === 'string' ? absolute(each) : each)),
    ...{ release, namespace, wait },
  };
}

/** `shop` of `/repo/charts/shop`, and of `/repo/charts/shop-1.2.3.tgz`. */
const releaseOf = (chart: string): string =>
  path
    .basename(chart)
    .replace(/(?:-\d[\w.+-]*)?\.(?:tgz|tar\.gz)$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 53)
    .replace(/^-+|-+$/g, '') || 'release';

function resolvePostgres(
  option: boolean | PostgresOptions | undefined,
  absolute: (each: string) => string,
): PostgresConfig | undefined {
  if (option === undefined || option === false) return undefined;
  const given = option === true ? {} : option;
  const texts = (record: Readonly<Record<string, unknown>> = {}): Record<string, string> =>
    Object.fromEntries(Object.entries(record).map(([key, value]) => [key, String(value)]));
  const { requests, limits } = given.resources ?? {};
  return {
    image: given.image ?? defaultPostgresImage,
    database: given.database ?? 'app',
    user: given.user ?? defaultPostgresUser,
    password: given.password,
    hostPort: given.hostPort ?? 0,
    initdb: [given.initdb ?? []].flat().map(absolute),
    settings: texts(given.settings),
    resources: {
      ...(requests === undefined ? {} : { requests: texts(requests) }),
      ...(limits === undefined ? {} : { limits: texts(limits) }),
    },
    storage: given.storage ?? 'memory',
    reset: given.reset ?? 'file',
    migrateIn: absolute('.'),
    migrate: given.migrate,
  };
}

function resolveTimeouts(given: NonNullable<UserConfig['timeouts']>): PhaseTimeouts {
  const limits = (defaults: Limits, options: TimeoutOptions = {}): Limits => {
    const total = parseDuration(options.total) ?? Math.max(defaults.total, parseDuration(options.stall) ?? 0);
    return { stall: Math.min(parseDuration(options.stall) ?? defaults.stall, total), total };
  };
  return {
    cluster: limits(defaultTimeouts.cluster, given.cluster),
    pull: limits(defaultTimeouts.pull, given.pull),
    import: limits(defaultTimeouts.import, given.import),
    manifests: limits(defaultTimeouts.manifests, given.manifests),
    postgres: limits(defaultTimeouts.postgres, given.postgres),
  };
}
