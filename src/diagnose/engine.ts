import type { ContainerRuntime } from '../runtime/index.js';
import { processes } from '../support/native.js';
import type { Download, NodeContainer } from './snapshot.js';

/** What holds the nodes' containers. */
export interface Engine {
  runtime: ContainerRuntime;
  containers: readonly string[];
}

async function ask(
  { command, env }: ContainerRuntime,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const { stdout } = await processes().execa(command, args, {
    env,
    timeout: 5_000,
    reject: false,
    ...(signal && { cancelSignal: signal }),
  });
  return stdout;
}

/** The nodes' containers as the engine sees them. */
export async function inspectContainers(engine: Engine, signal?: AbortSignal): Promise<NodeContainer[]> {
  const format = '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}';
  return Promise.all(
    engine.containers.map(async (name) => {
      const line = await ask(
        engine.runtime,
        ['inspect', '--type', 'container', '--format', format, name],
        signal,
      );
      const [state = '', exitCode, oomKilled] = line.trim().split(' ');
      return {
        name,
        state: state || 'missing',
        exitCode: Number(exitCode ?? 0),
        oomKilled: oomKilled === 'true',
      };
    }),
  );
}

/** containerd keeps one folder per download: what it is, its bytes so far, its size where the registry told it. */
const listDownloads = `cd /var/lib/containerd/io.containerd.content.v1.content/ingest || exit 0
for d in */; do
  echo "$(cat "$d/ref") $(stat -c '%s %Y' "$d/data") $(date +%s) $(cat "$d/total" 2>/dev/null)"
done`;

/** What the nodes' containerd are downloading now, with the bytes so far. */
export async function downloadsIn(engine: Engine, signal?: AbortSignal): Promise<Download[]> {
  const parts = engine.containers.map(async (node) => {
    const text = await ask(engine.runtime, ['exec', node, 'sh', '-c', listDownloads], signal);
    return text.split('\n').flatMap((line) => {
      const [, ref, bytes, touched, now, total] = /(\S+) (\d+) (\d+) (\d+) ?(\d*)$/.exec(line) ?? [];
      if (ref === undefined) return [];
      return [
        {
          node,
          ref: ref.replace(/^.*\//, ''),
          bytes: Number(bytes),
          totalBytes: total ? Number(total) : undefined,
          idleMs: (Number(now) - Number(touched)) * 1000,
        },
      ];
    });
  });
  return (await Promise.all(parts)).flat();
}
