/** Variables for a client; one that is undefined must not be set, whatever the user's shell has. */
export type EngineEnvironment = Readonly<Record<string, string | undefined>>;

/** The container engine that kind and the images room work with, found and answering. */
export interface ContainerRuntime {
  name: 'docker' | 'podman' | 'nerdctl';
  /** Its command line client, by absolute path or by name on PATH. */
  command: string;
  /** What its client, and kind, need in their environment to reach this engine and no other. */
  env: EngineEnvironment;
  /** The engine's own, by which it is known whatever its address is; undefined where it does not say. */
  id: string | undefined;
  /** Where the ports are reached that it publishes on all addresses: 127.0.0.1 for an engine of this machine. */
  host: string;
  version: string;
  /** The engine's own platform, such as `linux/amd64`. */
  platform: string;
  cpus: number;
  memoryBytes: number;
  /** Of the kernel that its containers run on; undefined where it does not say. */
  cgroupVersion: 1 | 2 | undefined;
  /** The folder of its files, on its own machine; undefined where it does not say. */
  dataRoot?: string | undefined;
  /** Whether it keeps, and saves, layers as they came from a registry, which are smaller than what they hold. Default: false. */
  keepsLayersPacked?: boolean;
}
