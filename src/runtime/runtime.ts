/** The container engine that kind and the images room work with, found and answering. */
export interface ContainerRuntime {
  name: 'docker' | 'podman' | 'nerdctl';
  /** Its command line client, by absolute path or by name on PATH. */
  command: string;
  /** What its client, and kind, need in their environment to reach the same engine. */
  env: Readonly<Record<string, string>>;
  version: string;
  /** The engine's own platform, such as `linux/amd64`. */
  platform: string;
  cpus: number;
  memoryBytes: number;
  /** Of the kernel that its containers run on; undefined where it does not say. */
  cgroupVersion: 1 | 2 | undefined;
}
