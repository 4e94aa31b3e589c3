/** The configuration as the rest of the project sees it: complete, validated, defaults filled in. */

/** How long a phase may take, in milliseconds. */
export interface Limits {
  /** Without any progress. */
  stall: number;
  /** Altogether. */
  total: number;
}

export type KeepPolicy = 'never' | 'on-failure' | 'always';

export type NodeRole = 'control-plane' | 'worker';

/** A taint, as Kubernetes writes it; one without a value has an empty one. */
export type Taint = Readonly<{
  key: string;
  value: string;
  effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}>;

/** A folder or file of the host inside a node. */
type NodeMount = Readonly<{
  /** Absolute path. */
  hostPath: string;
  containerPath: string;
  readOnly: boolean;
}>;

export type NodeConfig = Readonly<{
  role: NodeRole;
  labels: Readonly<Record<string, string>>;
  taints: readonly Taint[];
  mounts: readonly NodeMount[];
}>;

export interface ClusterConfig {
  provider: 'kind' | 'existing';
  /** A valid kind cluster name: lower-case letters, digits, dots and hyphens. */
  name: string;
  /** The node image, that of a version too; undefined is the kind release's own. */
  image: string | undefined;
  /** The first control plane among them is the one that the API server is reached through. */
  nodes: readonly NodeConfig[];
  /** A kind config: a parsed object; one given by path has been read. */
  config: Readonly<Record<string, unknown>> | undefined;
  /** `kind` only: whether it starts from a snapshot of a booted node where there is one. */
  snapshot: boolean;
  /** `kind` only: whether the next run's cluster is started behind this one. */
  standby: boolean;
  /** `existing` only. */
  kubeconfig: string | undefined;
  /** `existing` only, and there always. */
  context: string | undefined;
  /** `existing` only: what becomes of an object that somebody else has made, and that a manifest would change. */
  conflicts: 'refuse' | 'leave';
}

/** An image that must be inside the cluster before the first test. */
export type ImageSource =
  | {
      kind: 'pull';
      reference: string;
      push: string | undefined;
      /** Nobody asked for it: where it cannot be had, a run goes on without. Default: false. */
      isOptional?: true;
    }
  | {
      kind: 'build';
      /** Absolute path of the build context. */
      context: string;
      /** Relative to the context. */
      dockerfile: string;
      tag: string;
      args: Readonly<Record<string, string>>;
      target: string | undefined;
      push: string | undefined;
    }
  /** Absolute path of a tar written by `docker save`. */
  | { kind: 'archive'; path: string };

/** Where manifests come from. */
export type ManifestPlace =
  /** Absolute path of a file, folder, or glob. */
  | { kind: 'path'; path: string }
  /** Absolute path of a kustomize folder. */
  | { kind: 'kustomize'; path: string }
  | {
      kind: 'helm';
      /** Absolute path of a chart: a folder, or an archive of one. */
      path: string;
      /** Absolute paths of values files, or values; the last win. */
      values: readonly (string | Readonly<Record<string, unknown>>)[];
      release: string;
      namespace: string;
    };

export type ManifestSource = ManifestPlace & {
  /** Whether a run waits until what it starts is ready. */
  wait: boolean;
};

/** When a worker's database is given back by itself, besides where a test calls `resetDatabase()`. */
export type DatabaseReset = 'test' | 'file' | 'never';

export interface PostgresConfig {
  image: string;
  database: string;
  user: string;
  /** Undefined is a random one per cluster. */
  password: string | undefined;
  /** The host's port; 0 is any free one. */
  hostPort: number;
  /** Absolute paths of SQL and shell scripts, or folders of them. */
  initdb: readonly string[];
  /** Extra postgresql.conf settings. */
  settings: Readonly<Record<string, string>>;
  resources: Readonly<{
    requests?: Readonly<Record<string, string>>;
    limits?: Readonly<Record<string, string>>;
  }>;
  /** Where the server's files lie. */
  storage: 'memory' | 'disk';
  reset: DatabaseReset;
  /** Absolute path of the configuration's folder, where a `migrate` command runs. */
  migrateIn: string;
  /** Run once per cluster and configuration, after initdb, with the PG variables of the template. */
  migrate: string | ((database: { url: string; env: Record<string, string> }) => unknown) | undefined;
}

/** A service in the cluster that tests talk to, beside PostgreSQL. */
export interface ServiceConfig {
  /** Of its Service and its Deployment. */
  name: string;
  image: string;
  /** Where it listens in its container. */
  port: number;
  /** A command in its container that succeeds once it is ready; undefined: it is when its port takes connections. */
  ready: readonly string[] | undefined;
  env: Readonly<Record<string, string>>;
  /** Its command's arguments; none are the image's own. */
  args: readonly string[];
  /** Its address, with `{host}` and `{port}`; undefined where it has none but these. */
  url: string | undefined;
}

export interface PhaseTimeouts {
  cluster: Limits;
  pull: Limits;
  import: Limits;
  manifests: Limits;
  postgres: Limits;
}

/** What a user's hook, `setup` or `eachRun`, is given. */
export interface SetupContext {
  name: string;
  kubeconfig: string;
  context: string;
  env: Readonly<Record<string, string>>;
}

/** A hook of the user's: a function in the configuration, or a module's default export. */
export interface Hook {
  /** Absolute path of the module, or of the configuration that holds the function; undefined where that has no file. */
  file: string | undefined;
  /** Undefined where it is a module's. */
  call: HookFunction | undefined;
}

export type HookFunction = (cluster: SetupContext) => unknown;

export interface Config {
  /** Jest's rootDir that it was loaded for, and the folder that relative paths start from. */
  rootDir: string;
  /** The file it came from; undefined where there is none. */
  file: string | undefined;
  cluster: ClusterConfig;
  images: readonly ImageSource[];
  /** Public mirrors of Docker Hub's official images, tried in this order. */
  mirrors: readonly string[];
  manifests: readonly ManifestSource[];
  postgres: PostgresConfig | undefined;
  services: readonly ServiceConfig[];
  keep: KeepPolicy;
  /** Whether a run tells only what fails, or has to be known. */
  quiet: boolean;
  timeouts: PhaseTimeouts;
  diagnostics: {
    /** Absolute path of the folder of the bundles. */
    directory: string;
    /** Whether failed tests have one. */
    tests: boolean;
  };
  /** Absolute paths of the files that come whole into the workers' environment. */
  dotenv: readonly string[];
  /** Each called once in the cluster's life, in this order. */
  setup: readonly Hook[];
  /** Each called once in every run. */
  eachRun: readonly Hook[];
  /** Undefined is the one detected. */
  runtime: 'docker' | 'podman' | 'nerdctl' | undefined;
  /** Absolute path: where leases, kubeconfigs and logs live. */
  stateDir: string;
}
