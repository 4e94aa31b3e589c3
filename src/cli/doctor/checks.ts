import { cgroup, cpus, disk, engine, inotify, memory, ports } from './engine.js';
import type { Examine } from './finding.js';
import { authorities, images, mirrors, proxies } from './network.js';
import { clientLibrary, configuration, jestConfig, jestItself, nodeJs, typeScript } from './project.js';
import { leftovers, stateDirectory } from './state.js';
import { helm, kind, kubectl } from './tools.js';

/** Everything that a run needs, in the order in which it needs it. */
export const checks: readonly { name: string; examine: Examine }[] = [
  // what stands in the project
  { name: 'Node.js', examine: nodeJs },
  { name: 'Jest', examine: jestItself },
  { name: 'Kubernetes client', examine: clientLibrary },
  { name: 'TypeScript', examine: typeScript },
  { name: 'Jest config', examine: jestConfig },
  { name: 'configuration', examine: configuration },
  // what runs the cluster
  { name: 'engine', examine: engine },
  { name: 'memory', examine: memory },
  { name: 'CPUs', examine: cpus },
  { name: 'disk', examine: disk },
  { name: 'cgroups', examine: cgroup },
  { name: 'inotify', examine: inotify },
  { name: 'ports', examine: ports },
  // what makes it and fills it
  { name: 'kind', examine: kind },
  { name: 'kubectl', examine: kubectl },
  { name: 'helm', examine: helm },
  { name: 'images', examine: images },
  { name: 'mirrors', examine: mirrors },
  { name: 'proxies', examine: proxies },
  { name: 'authorities', examine: authorities },
  // what runs leave of themselves
  { name: 'state directory', examine: stateDirectory },
  { name: 'leftovers', examine: leftovers },
];
