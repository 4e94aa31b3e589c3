import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

import type { PostgresConfig } from '../config/index.js';
import {
  type ClusterAccess,
  execInPod,
  ExecRefused,
  openApi,
  packageNamespace,
} from '../kubernetes/index.js';
import type { Progress } from '../report/index.js';
import { JestKubernetesError } from '../support/errors.js';
import { postgresName, postgresPod } from './objects.js';
import { roomRemedy } from './out-of-room.js';

/** One script or a file that scripts read. */
interface InitFile {
  path: string;
  mode: number;
  content: Buffer;
}

/** An entry of `initdb`: a file, or a folder with its files in the order of their names. */
type InitFolder = readonly InitFile[];

/** @throws JestKubernetesError POSTGRES_INIT_FAILED where an entry is not there */
export async function readInitScripts(entries: readonly string[]): Promise<InitFolder[]> {
  return Promise.all(
    entries.map(async (entry) =>
      Promise.all(
        (await filesOf(entry)).map(async (path) => ({
          path,
          mode: (await stat(path)).mode,
          content: await readFile(path),
        })),
      ),
    ),
  );
}

async function filesOf(entry: string): Promise<string[]> {
  const found = await stat(entry).catch((cause: unknown) => {
    const message = `${entry}, which postgres.initdb names, is not there`;
    throw new JestKubernetesError('POSTGRES_INIT_FAILED', message, { cause });
  });
  if (!found.isDirectory()) return [entry];
  const files = (await readdir(entry, { withFileTypes: true })).filter((file) => file.isFile());
  return files.map(({ name }) => join(entry, name)).sort();
}

const isScript = /\.(sh|sql|sql\.gz|sql\.xz|sql\.zst)$/;

/**
 * Runs what `initdb` names, in the pod, as the image itself does: each folder's files lie beside its scripts.
 * @throws JestKubernetesError POSTGRES_INIT_FAILED, with file and line where psql tells it
 */
export async function runInitScripts(
  access: ClusterAccess,
  config: PostgresConfig,
  database: string,
  options: { signal: AbortSignal; progress: Progress; namespace?: string },
): Promise<void> {
  const { signal, progress, namespace = packageNamespace } = options;
  const folders = await readInitScripts(config.initdb);
  if (folders.flat().length === 0) return;
  const inPod = commandsInPod(access, namespace, signal);
  const base = `/tmp/jest-kubernetes-${database}`;
  const variables = {
    POSTGRES_USER: config.user,
    POSTGRES_DB: database,
    PGUSER: config.user,
    PGDATABASE: database,
  };

  await inPod(['rm', '-rf', base]);
  for (const [index, files] of folders.entries()) {
    const destination = { folder: `${base}/${index}`, storage: config.storage };
    for (const file of files) await copyIntoPod(inPod, file, destination);
    for (const { path } of files.filter((file) => isScript.test(file.path))) {
      progress.waitingFor(`the init script ${path}`);
      await runScript(inPod, path, destination, variables, (line) => {
        progress.moved(`${basename(path)}: ${line}`);
      });
      progress.moved(`${basename(path)} done`);
    }
  }
  await inPod(['rm', '-rf', base]);
}

type Storage = PostgresConfig['storage'];

/** A folder in the pod, on a server whose files lie there. */
interface Destination {
  folder: string;
  storage: Storage;
}

type InPod = (
  command: readonly string[],
  more?: { input?: Buffer; onLine?: (line: string) => void },
) => ReturnType<typeof execInPod>;

function commandsInPod(access: ClusterAccess, namespace: string, signal: AbortSignal): InPod {
  using api = openApi(access);
  const target = { namespace, pod: postgresPod, container: postgresName, signal };
  return (command, more) =>
    execInPod(api, { ...target, command, ...more }).catch((error: unknown) => {
      throw error instanceof ExecRefused ? noScripts(error) : error;
    });
}

async function copyIntoPod(
  inPod: InPod,
  { path, mode, content }: InitFile,
  { folder, storage }: Destination,
): Promise<void> {
  const write = 'mkdir -p "$1" && head -c "$2" > "$3" && chmod "$4" "$3"';
  const target = `${folder}/${basename(path)}`;
  const permissions = (mode & 0o111) === 0 ? '0644' : '0755';
  const command = ['sh', '-c', write, 'sh', folder, String(content.length), target, permissions];
  const { exitCode, output } = await inPod(command, content.length === 0 ? {} : { input: content });
  if (exitCode !== 0) throw initFailed(path, output, storage);
}

const inFolder = 'cd "$1" && shift && exec env "$@"';
const asPostgres =
  'if command -v gosu >/dev/null; then exec gosu postgres "$@"; else exec su-exec postgres "$@"; fi';
/** As the official image's entry point does it, by its own rules; `.sh` files find its function and variables. */
const asTheImage = `
set -Eeo pipefail
docker_process_sql() {
  psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" "$@"
}
case "$1" in
  *.sh) if [ -x "$1" ]; then "./$1"; else . "./$1"; fi ;;
  *.sql) docker_process_sql -f "$1" ;;
  *.sql.gz) gunzip -c "$1" | docker_process_sql ;;
  *.sql.xz) xz -dc "$1" | docker_process_sql ;;
  *.sql.zst) zstd -dc "$1" | docker_process_sql ;;
esac`;

async function runScript(
  inPod: InPod,
  path: string,
  { folder, storage }: Destination,
  variables: Readonly<Record<string, string>>,
  onLine: (line: string) => void,
): Promise<void> {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const script = ['bash', '-c', asTheImage, 'bash', basename(path)];
  const byPostgres = ['sh', '-c', asPostgres, 'sh', ...script];
  const { exitCode, output } = await inPod(
    ['sh', '-c', inFolder, 'sh', folder, ...assignments, ...byPostgres],
    { onLine },
  );
  if (exitCode !== 0) throw initFailed(path, output, storage);
}

const noScripts = (error: ExecRefused): JestKubernetesError =>
  new JestKubernetesError('POSTGRES_INIT_FAILED', 'The init scripts cannot be run in the pod of PostgreSQL', {
    evidence: [error.message],
    ...(error.message.includes('server response: 403')
      ? { remedy: 'They need the right to `create` on `pods/exec`, which the kubeconfig’s user lacks.' }
      : {}),
    cause: error,
  });

const roleTaken = /ERROR: +role ".*" already exists/;
const guardRole =
  'Roles are the server’s, and another package that shares it has made this one: put the statement into DO $$ BEGIN … EXCEPTION WHEN duplicate_object THEN NULL; END $$.';

/** With the host's file and the line, where psql tells it. */
export function initFailed(path: string, output: string, storage?: Storage): JestKubernetesError {
  const lines = output.trimEnd().split('\n');
  const at = lines.findIndex((line) => /^psql:.*?:\d+: (ERROR|FATAL|PANIC|error)/.test(line));
  const [, file, line] = /^psql:(.*?):(\d+): /.exec(lines[at] ?? '') ?? [];
  const place =
    line === undefined ? path : `${file === basename(path) ? path : `${path}, ${file ?? ''}`}:${line}`;
  return new JestKubernetesError('POSTGRES_INIT_FAILED', `The init script failed at ${place}`, {
    evidence: at === -1 ? lines.slice(-10) : lines.slice(at, at + 6),
    remedy:
      roomRemedy(output, storage) ??
      (roleTaken.test(output)
        ? guardRole
        : 'Correct the script; the lines above are what psql or the shell said.'),
  });
}
