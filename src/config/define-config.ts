import type { HookFunction, KeepPolicy, SetupContext } from './config.js';

export type { HookFunction, KeepPolicy, SetupContext };

/** A duration: milliseconds as a number, or text such as `'500ms'`, `'90s'`, `'10m'`, `'1.5h'`. */
export type Duration = number | string;

/** How long a phase may take. What is left out keeps its default. */
export interface TimeoutOptions {
  /** How long nothing at all may move (no byte, no event, no status change) before the phase fails. */
  stall?: Duration | undefined;
  /** How long the phase may take altogether. */
  total?: Duration | undefined;
}

/** One node of a cluster. */
export interface NodeOptions {
  /** Default: `'control-plane'` for the first node, `'worker'` for the others. One control plane is needed. */
  role?: 'control-plane' | 'worker' | undefined;
  /**
   * Labels, for node selectors and affinities. Those of Kubernetes' own domains only where a node may give them to
   * itself, such as `topology.kubernetes.io/zone`. Default: none.
   */
  labels?: Readonly<Record<string, string>> | undefined;
  /** Taints, as kubectl writes them (`'dedicated=search:NoSchedule'`) or as objects. Default: none. */
  taints?:
    | readonly (
        | string
        | {
            key: string;
            value?: string | undefined;
            effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
          }
      )[]
    | undefined;
  /** Files and folders of this machine inside the node, where a `hostPath` volume finds them. Default: none. */
  mounts?:
    | readonly {
        /** Relative to the configuration's folder. */
        hostPath: string;
        /** An absolute path inside the node. */
        containerPath: string;
        /** Default: `false`. */
        readOnly?: boolean | undefined;
      }[]
    | undefined;
}

/** The cluster that tests run on. */
export interface ClusterOptions {
  /**
   * `kind`: a cluster of this package's own, deleted when the last run is finished; `existing`: one that is
   * there already, never deleted. Default: `'kind'`. Variable: `JEST_KUBERNETES_PROVIDER`.
   */
  provider?: 'kind' | 'existing' | undefined;
  /**
   * The cluster's name; runs that want the same name share the cluster. Lower-case letters, digits, dots and
   * hyphens, up to 49. Default: made from the workspace's path; `existing` asks for one. Variable:
   * `JEST_KUBERNETES_NAME`.
   */
  name?: string | undefined;
  /**
   * `kind` only. The Kubernetes version, 1.33 or later: a minor (`'1.36'`) is the image that the kind release has for
   * it, an exact version (`'1.36.4'`) the one of that tag. Default: the kind release's own. Variables:
   * `JEST_KUBERNETES_VERSION`; `JEST_KUBERNETES_NODE_IMAGES`, a repository in place of `kindest/node`, such as
   * `registry.example/kindest/node`, whose images are named by tag, without a digest.
   */
  version?: string | undefined;
  /**
   * `kind` only. The node image, such as `kindest/node:v1.37.0@sha256:…`, which wins over `version`. Default: that of
   * `version`. Variable: `JEST_KUBERNETES_NODE_IMAGE`, which wins over `JEST_KUBERNETES_VERSION`.
   */
  image?: string | undefined;
  /**
   * `kind` only, instead of `config`. How many nodes (one control plane, the others workers), or each of them.
   * Default: `1`.
   */
  nodes?: number | readonly NodeOptions[] | undefined;
  /** `kind` only, instead of `nodes`. A kind config, inline or the path of a YAML file. Default: none. */
  config?: string | Readonly<Record<string, unknown>> | undefined;
  /**
   * `kind` only. Whether a run starts from a snapshot of a node that was booted before, where there is one of exactly this
   * configuration, and has one made in the background where there is none (not in CI). Default: `true`. Variable:
   * `JEST_KUBERNETES_SNAPSHOT` (`on` or `off`).
   */
  snapshot?: boolean | undefined;
  /**
   * `kind` only. Whether, when a run has ended, the next one's cluster is started from the snapshot and paused, so that
   * the next run has it within two seconds (not in CI). It takes its memory, half a gigabyte and more, until a run takes it;
   * after an hour, or where less than a tenth of the machine's memory is left, it goes. Default: `false`.
   */
  standby?: boolean | undefined;
  /** `existing` only. Path of a kubeconfig. Default: what kubectl would take, `$KUBECONFIG` or `~/.kube/config`. */
  kubeconfig?: string | undefined;
  /**
   * `existing` only, which asks for it. A context of the kubeconfig. Instead, the variable
   * `JEST_KUBERNETES_ALLOW_CONTEXT` may allow one: it is used where it is the current one.
   */
  context?: string | undefined;
  /**
   * `existing` only. An object of the manifests that was in the cluster before is never changed; one that applying would
   * change ends the run before anything is made (`refuse`), or is used as it is (`leave`). Default: `'refuse'`.
   */
  conflicts?: 'refuse' | 'leave' | undefined;
}

/** An image that is pulled. */
export interface PullOptions {
  /** The image, such as `redis:8-alpine`. */
  reference: string;
  /**
   * `existing` clusters only: push it to this reference (`true`: to its own), from where the cluster pulls it.
   * Default: not pushed.
   */
  push?: string | boolean | undefined;
}

/** An image that is built. */
export interface BuildOptions {
  /** The build context: a folder. */
  build: string;
  /** The Dockerfile, from the build context. Default: `'Dockerfile'`. */
  dockerfile?: string | undefined;
  /** The image's name and tag, such as `shop/api:test`. */
  tag: string;
  /** Build arguments. Default: none. */
  args?: Readonly<Record<string, string>> | undefined;
  /** The stage to build. Default: the last. */
  target?: string | undefined;
  /**
   * `existing` clusters only: push it to this reference (`true`: to its tag), from where the cluster pulls it.
   * Default: not pushed.
   */
  push?: string | boolean | undefined;
}

/** Images out of a tar. */
export interface ArchiveOptions {
  /** Path of a tar written by `docker save`. */
  archive: string;
}

/** An image that is inside the cluster before the first test: a reference, a build, or an archive. */
export type ImageOption = string | PullOptions | BuildOptions | ArchiveOptions;

/** What of manifests that are applied is waited for. */
export interface ManifestWait {
  /**
   * Whether the first test waits until what they start is ready: Deployments, StatefulSets, DaemonSets, ReplicaSets, Pods,
   * Jobs (until they are complete) and APIServices. Default: `true`.
   */
  wait?: boolean | undefined;
}

/** Manifests in files. */
export interface PathOptions extends ManifestWait {
  /** Path of a file or folder, or a glob. */
  path: string;
}

/** Manifests that kustomize builds. */
export interface KustomizeOptions extends ManifestWait {
  /** Path of a kustomize folder. */
  kustomize: string;
}

/** A chart, as `helm template` renders it; nothing of it is recorded in the cluster as a release. */
export interface HelmOptions extends ManifestWait {
  /** Path of a chart: a folder, or an archive of one (`.tgz`), with the charts that it depends on. */
  helm: string;
  /** Values, or the path of a values file, or a list of them, of which the last win. Default: the chart's own. */
  values?:
    | string
    | Readonly<Record<string, unknown>>
    | readonly (string | Readonly<Record<string, unknown>>)[]
    | undefined;
  /** The release's name. Default: that of the chart's folder, or archive. */
  release?: string | undefined;
  /** The release's namespace, which is made where it is not there. Default: `'default'`. */
  namespace?: string | undefined;
}

/** Manifests that are applied before the first test: a file, folder or glob, a kustomize folder, or a chart. */
export type ManifestOption = string | PathOptions | KustomizeOptions | HelmOptions;

/** PostgreSQL inside the cluster, with a database per worker. */
export interface PostgresOptions {
  /** Default: `'postgres:17-alpine'`. */
  image?: string | undefined;
  /**
   * The database that each worker's own is cloned from. Letters, digits, `_` and `-`, up to 40. Default: `'app'`.
   */
  database?: string | undefined;
  /** The owner of the databases, a superuser. Letters, digits, `_` and `-`, up to 40. Default: `'app'`. */
  user?: string | undefined;
  /** Default: a random one per cluster. */
  password?: string | undefined;
  /** The port on 127.0.0.1, or on the machine of an engine at `tcp://`. Default: any free one. */
  hostPort?: number | undefined;
  /** SQL and shell scripts (`.sql`, `.sql.gz`, `.sh`), or folders of them, run once, in order. Default: none. */
  initdb?: string | readonly string[] | undefined;
  /**
   * After `initdb`, once per cluster and configuration: a command, run in the configuration's folder with the `PG*` variables
   * and `DATABASE_URL` set, or a function that is given them. Default: none.
   */
  migrate?: string | ((database: { url: string; env: Record<string, string> }) => unknown) | undefined;
  /**
   * More settings of postgresql.conf but its address, such as `{ max_connections: 500 }`: that is 300 by default, and on
   * more than four cores 100 and 50 for each. Default: none.
   */
  settings?: Readonly<Record<string, string | number | boolean>> | undefined;
  /**
   * Where its files lie: in the node's memory, or on its disk, which is slower and holds more. Each worker's database
   * takes what `initdb` and `migrate` leave, and twice that is there once more for all. Default: `'memory'`.
   */
  storage?: 'memory' | 'disk' | undefined;
  /**
   * When a worker's database is given back by itself, as `resetDatabase()` does it: before each test (and its hooks
   * `beforeEach`; what `beforeAll` made is gone too), before each test file, or never. Default: `'file'`.
   */
  reset?: 'test' | 'file' | 'never' | undefined;
  /** The pod's resources, as Kubernetes writes them: `{ limits: { memory: '512Mi' } }`. Default: none. */
  resources?:
    | {
        requests?: Readonly<Record<string, string | number>> | undefined;
        limits?: Readonly<Record<string, string | number>> | undefined;
      }
    | undefined;
}

/** A service that tests talk to, beside PostgreSQL: one container, one port. */
export interface ServiceOptions {
  /** Such as `'nats:2-alpine'`. */
  image: string;
  /**
   * Of its Service, and of the variables that tell where it is: `NAME_HOST`, `NAME_PORT`, `NAME_URL`. Lower-case letters,
   * digits and hyphens, up to 31. Default: the last part of the image's name.
   */
  name?: string | undefined;
  /** Where it listens in its container. Default: known for `redis` and `valkey`. */
  port?: number | undefined;
  /** A command in its container that succeeds once it is ready. Default: it is when its port takes connections. */
  ready?: readonly string[] | undefined;
  /** Its container's variables. Default: none. */
  env?: Readonly<Record<string, string>> | undefined;
  /** Its container's arguments. Default: the image's own. */
  args?: readonly string[] | undefined;
  /** What `NAME_URL` is, with `{host}` and `{port}`, such as `'nats://{host}:{port}'`. Default: none. */
  url?: string | undefined;
}

/** A service by its image, where that is known (`'redis:8-alpine'`, `'valkey/valkey:9-alpine'`), or with all it takes. */
export type ServiceOption = string | ServiceOptions;

/** A function, or the path of a module whose default export it is. */
export type HookOption = string | HookFunction;

/** What is seen of what fails, and where it is kept. */
export interface DiagnosticsOptions {
  /** The folder of the bundles. Default: `'.jest-kubernetes'`. */
  directory?: string | undefined;
  /**
   * Whether the cluster is looked at when a test fails, for two seconds at most: the cause is told under the test's own
   * failure. Default: `true`.
   */
  tests?: boolean | undefined;
}

/**
 * What `jest-kubernetes.config.ts`, or the key `jest-kubernetes` of package.json, holds. Relative paths start
 * from its folder.
 */
export interface UserConfig {
  /** The cluster. Default: a kind cluster of one node. */
  cluster?: ClusterOptions | undefined;
  /**
   * Images that are inside the cluster before the first test. Default: `['postgres:17-alpine']`, or what `postgres`
   * names; with `postgres` its image is always among them. Variable: `JEST_KUBERNETES_IMAGES`, comma-separated.
   */
  images?: readonly ImageOption[] | undefined;
  /**
   * Public mirrors of Docker Hub's official images, tried in this order when Docker Hub fails in passing or limits
   * the rate; an empty list turns them off. Default: `['mirror.gcr.io', 'public.ecr.aws/docker']`.
   */
  mirrors?: readonly string[] | undefined;
  /** Manifests that are applied, in this order, and waited for, before the first test. Default: none. */
  manifests?: readonly ManifestOption[] | undefined;
  /** PostgreSQL inside the cluster: `true`, or its options. Default: `false`. */
  postgres?: boolean | PostgresOptions | undefined;
  /**
   * Services that tests talk to, such as `['redis:8-alpine']`, which is at `REDIS_URL` then, and for pods at
   * `redis.jest-kubernetes:6379`. One server for all workers. Default: none.
   */
  services?: readonly ServiceOption[] | undefined;
  /**
   * Whether the cluster stays when the last run is finished. `on-failure`: when a test or the setup failed.
   * Default: `'never'`. Variable: `JEST_KUBERNETES_KEEP`.
   */
  keep?: KeepPolicy | undefined;
  /** How long each phase may take. */
  timeouts?:
    | {
        /** Creating the cluster. Default: stall `'90s'`, total `'10m'`. */
        cluster?: TimeoutOptions | undefined;
        /** Pulling and building an image. Default: stall `'120s'`, total `'30m'`. */
        pull?: TimeoutOptions | undefined;
        /** Streaming an image into the nodes. Default: stall `'90s'`, total `'15m'`. */
        import?: TimeoutOptions | undefined;
        /** Applying manifests, and then until what they start is ready. Default: stall `'90s'`, total `'10m'`. */
        manifests?: TimeoutOptions | undefined;
        /** PostgreSQL, until it answers. Default: stall `'90s'`, total `'10m'`. */
        postgres?: TimeoutOptions | undefined;
      }
    | undefined;
  /**
   * Whether a run tells only what fails, or has to be known: of a green one nothing is seen but Jest's own. Commands tell what
   * they do all the same. Default: `false`. Variable: `JEST_KUBERNETES_QUIET` (`on` or `off`).
   */
  quiet?: boolean | undefined;
  /** Where the bundles of failed runs and tests go, or more of it. Default: `'.jest-kubernetes'`. */
  diagnostics?: string | DiagnosticsOptions | undefined;
  /**
   * Files of `NAME=value` lines that come whole into the workers' environment, such as `'.env.test'`; what is set already
   * stays, and of two files the first wins. `.env` and `.env.test` beside this file are read in any case, but for their
   * `JEST_KUBERNETES_*` lines alone. Default: none.
   */
  dotenv?: string | readonly string[] | undefined;
  /**
   * Called once in the cluster's life, in the parent process of the run that comes first, after everything above and before
   * the first test; one that has changed (its text, or its module's) is called again. The variables that it returns, as
   * `{ env }`, are recorded with the cluster's state and reach the workers of every run that uses the cluster. Of several, each
   * is called, and counts, by itself. Default: none.
   */
  setup?: HookOption | readonly HookOption[] | undefined;
  /**
   * Called once in every run, in its parent process, after `setup`. The variables that it returns, as `{ env }`, reach this
   * run's workers. Default: none.
   */
  eachRun?: HookOption | readonly HookOption[] | undefined;
}

/**
 * Types a configuration; returns it as it is.
 *
 * @example
 * ```ts
 * // jest-kubernetes.config.ts
 * import { defineConfig } from 'jest-kubernetes/config';
 *
 * export default defineConfig({ postgres: true, manifests: ['k8s/*.yaml'] });
 * ```
 */
export function defineConfig(config: UserConfig): UserConfig {
  return config;
}
