import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { Limits } from '../config/index.js';
import { formatBytes, type Progress } from '../report/index.js';
import type { ContainerRuntime } from '../runtime/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { lastLines } from '../support/lines.js';
import { localImageId, platformImageId, runEngine } from './engine.js';
import { saysDiskFull, saysWrongPlatform } from './failures.js';
import { parseReference } from './reference.js';

export interface ImportOptions {
  runtime: ContainerRuntime;
  signal: AbortSignal;
  progress: Progress;
  limits: Limits;
}

/** A machine of the cluster, by its container's name. */
export interface ImportNode {
  name: string;
}

/** What is imported: an image that the engine has, or a tar written by `docker save` (absolute path). */
export type Importable = { reference: string } | { archive: string };

/**
 * As kind imports it, but for the node's platform alone: an archive may name platforms whose layers it does not hold,
 * which `--all-platforms` refuses. The node says itself which snapshotter its containerd uses. containerd 2 would take
 * the archive through its transfer service, which costs a fifth more processor time (docs/performance.md).
 */
const importScript = `
snapshotter=$(containerd config dump 2>/dev/null | sed -n "s/^ *snapshotter = [\\"']\\(.*\\)[\\"']/\\1/p" | head -n 1)
ctr images import --help | grep -q -e --local && local=--local
exec ctr --namespace=k8s.io images import $local --snapshotter="\${snapshotter:-overlayfs}" -
`;

/**
 * Streams an image into the nodes: one \`save\`, read once for all of them, and no file in between.
 * @throws JestKubernetesError IMAGE_IMPORT_FAILED, with the last lines of what failed; IMAGE_PLATFORM; DISK_FULL
 */
export async function importImage(
  what: Importable,
  nodes: readonly ImportNode[],
  options: ImportOptions,
): Promise<{ bytes: number } | undefined> {
  const { runtime, signal } = options;
  if ('archive' in what) {
    if (!existsSync(what.archive)) {
      throw new JestKubernetesError('IMAGE_NOT_FOUND', 'The image archive does not exist', {
        evidence: [what.archive],
      });
    }
    return stream(what.archive, createReadStream(what.archive), undefined, nodes, options);
  }
  const { reference } = what;
  const image = parseReference(reference);
  const lacking = await nodesWithout(reference, image.name, nodes, options);
  if (lacking.length === 0) return undefined;
  if (image.digest === undefined) return save(reference, reference, lacking, options);

  // saved by its digest an image has no name: it travels under a tag, and gets its name back in the node. The tag is of
  // another repository: with the last tag of its own, an engine forgets the digest too, and the image with it.
  const tag = `localhost/jest-kubernetes/import:${image.digest.slice(-12)}-${process.pid}`;
  const tagged = await runEngine(runtime, ['tag', reference, tag], { signal });
  if (tagged.failed) throw importFailure(reference, tagged.words, options);
  try {
    const result = await save(tag, reference, lacking, options);
    await Promise.all(lacking.map((node) => rename(node, tag, image.name, options)));
    return result;
  } finally {
    // without the signal: an interrupted import leaves no tag behind either
    await runEngine(runtime, ['rmi', tag]);
  }
}

/**
 * The CRI knows an image by its id too, which is an image name to containerd: it has the engine's image where both
 * names lead to one digest and all of its layers are unpacked. An engine that keeps its images in a containerd of its
 * own calls them by that digest itself; one of several platforms by their index, which the node is not sent.
 */
async function nodesWithout(
  reference: string,
  name: string,
  nodes: readonly ImportNode[],
  { runtime, signal, progress }: ImportOptions,
): Promise<ImportNode[]> {
  progress.waitingFor('containerd to tell which images it has');
  const known = await Promise.all([
    localImageId(reference, runtime),
    platformImageId(reference, runtime, runtime.platform),
  ]);
  const bare = known.filter((id) => id !== undefined).map((id) => id.replace(/^sha256:/, ''));
  const ids = [...new Set(bare)].map((id) => `sha256:${id}`);
  const named = [name, ...ids].map((each) => `name==${each}`);
  const check = ['ctr', '--namespace=k8s.io', 'images', 'check', ...named];
  const has = async (node: ImportNode): Promise<boolean> => {
    const { failed, stdout } = await runEngine(runtime, ['exec', node.name, ...check], { signal });
    const rows = stdout.split('\n').map((row) => row.split(/ +/));
    const digests = new Map(
      rows
        .filter((row) => row.includes('complete') && row.includes('true'))
        .map(([ref = '', , digest = '']) => [ref, digest]),
    );
    const digest = digests.get(name);
    return !failed && digest !== undefined && ids.some((id) => [digests.get(id), id].includes(digest));
  };
  const answers = await Promise.all(nodes.map(has));
  return nodes.filter((_, index) => answers[index] === false);
}

/** @param name - what people call it, where it travels under another name */
async function save(
  reference: string,
  name: string,
  nodes: readonly ImportNode[],
  options: ImportOptions,
): Promise<{ bytes: number }> {
  const { runtime } = options;
  const saveBy = (args: readonly string[]): Promise<{ bytes: number }> => {
    const child = spawn(runtime.command, args, {
      env: { ...process.env, ...runtime.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return stream(name, child.stdout, child, nodes, options);
  };
  try {
    return await saveBy(saveArguments(runtime, reference));
  } catch (error) {
    // a client that is older than its engine does not know the option
    const { evidence = [] } = error as Partial<JestKubernetesError>;
    if (!evidence.some((line) => /unknown flag: --platform/.test(line))) throw error;
    return saveBy(['save', reference]);
  }
}

async function rename(node: ImportNode, from: string, to: string, options: ImportOptions): Promise<void> {
  const { runtime, signal } = options;
  const script = 'ctr -n k8s.io images tag --force "$1" "$2" && ctr -n k8s.io images rm "$1"';
  const args = ['exec', node.name, 'sh', '-c', script, 'sh', from, to];
  const { failed, words } = await runEngine(runtime, args, { signal });
  if (failed) throw importFailure(to, words, options);
}

/**
 * With Docker's containerd image store, a multi-platform image is saved with the manifests of all its platforms and
 * the layers of the pulled one alone, which ctr refuses (“content digest … not found”): the node's platform is asked
 * for alone, where the engine knows that option (Docker 28, API 1.48).
 */
export function saveArguments(
  { name, version, platform }: Pick<ContainerRuntime, 'name' | 'version' | 'platform'>,
  reference: string,
): string[] {
  const byPlatform = name === 'nerdctl' || (name === 'docker' && Number.parseInt(version, 10) >= 28);
  return ['save', ...(byPlatform ? ['--platform', platform] : []), reference];
}

async function stream(
  name: string,
  source: Readable,
  saving: ChildProcess | undefined,
  nodes: readonly ImportNode[],
  { runtime, signal, progress }: ImportOptions,
): Promise<{ bytes: number }> {
  let bytes = 0;
  const counter = new Transform({
    highWaterMark: 1 << 20,
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      progress.moved(formatBytes(bytes));
      done(null, chunk);
    },
  });
  const imports = nodes.map((node) =>
    spawn(runtime.command, ['exec', '--interactive', node.name, 'sh', '-c', importScript], {
      env: { ...process.env, ...runtime.env },
      stdio: ['pipe', 'ignore', 'pipe'],
    }),
  );
  const children = [...(saving === undefined ? [] : [saving]), ...imports];
  const endings = children.map(ended);
  const kill = (): void => {
    for (const child of children) child.kill('SIGKILL');
  };
  signal.addEventListener('abort', kill, { once: true });
  progress.waitingFor(`containerd to take ${name} in`);
  try {
    for (const child of imports) counter.pipe(child.stdin);
    // an importer that has ended tells why by its own status: a broken pipe says nothing
    for (const child of imports) child.stdin.on('error', () => counter.unpipe(child.stdin).resume());
    const flow = pipeline(source, counter, { signal }).catch((error: unknown) => {
      // the commands' own words come first
      if (children.length === 0) throw error;
    });
    const failures = (await Promise.all(endings)).filter((ending) => ending !== undefined);
    await flow;
    signal.throwIfAborted();
    if (failures.length > 0) throw importFailure(name, failures.join('\n'), { runtime });
    return { bytes };
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
  }
}

/** What a command said when it failed; undefined where it ended well. */
function ended(child: ChildProcess): Promise<string | undefined> {
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (words += text));
  return new Promise((resolve) => {
    child.on('error', (error) => {
      resolve(messageOf(error));
    });
    child.on('close', (status, signal) => {
      resolve(
        status === 0 ? undefined : words || `${child.spawnfile} ended with ${String(signal ?? status)}`,
      );
    });
  });
}

function importFailure(
  name: string,
  words: string,
  { runtime }: Pick<ImportOptions, 'runtime'>,
): JestKubernetesError {
  const evidence = lastLines(words, 5);
  if (saysDiskFull(words)) {
    return new JestKubernetesError('DISK_FULL', `The disk is full: ${name} could not be stored in the node`, {
      evidence,
      remedy:
        'Make room where the container engine keeps its volumes: docker system df, docker system prune --volumes',
    });
  }
  if (saysWrongPlatform(words)) {
    return new JestKubernetesError('IMAGE_PLATFORM', `${name} is not an image for ${runtime.platform}`, {
      evidence,
      remedy: `Pull or build it for the cluster's nodes, with --platform ${runtime.platform}`,
    });
  }
  return new JestKubernetesError('IMAGE_IMPORT_FAILED', `${name} could not be imported into the node`, {
    evidence,
    remedy: 'Is it a whole image? Pull or build it anew and try again.',
  });
}
