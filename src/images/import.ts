import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';

import type { ContainerRuntime } from '../runtime/index.js';
import { JestKubernetesError } from '../support/errors.js';
import { type ImageReference, parseReference } from '../support/image-reference.js';
import { imageHere, platformImageId, runEngine } from './engine.js';
import { contentOfAll, withoutContent } from './known-content.js';
import { importFailure, type ImportNode, streamIntoNodes, type StreamOptions } from './stream.js';

export interface ImportOptions extends StreamOptions {
  /** Mirrors of Docker Hub, from which an image may have come here, under their name. */
  mirrors: readonly string[];
}

/** What is imported: an image that the engine has, or a tar written by `docker save` (absolute path). */
export type Importable = { reference: string } | { archive: string };

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
    const found = statSync(what.archive, { throwIfNoEntry: false });
    if (found === undefined) {
      throw new JestKubernetesError('IMAGE_NOT_FOUND', 'The image archive does not exist', {
        evidence: [what.archive],
      });
    }
    const archive = { stream: createReadStream(what.archive), expected: () => found.size };
    return streamIntoNodes(what.archive, archive, nodes, options);
  }
  const { reference } = what;
  const image = parseReference(reference);
  const here = await imageHere(reference, options.mirrors, runtime);
  const lacking = here === undefined ? nodes : await nodesWithout(here, image.name, nodes, options);
  if (lacking.length === 0) return undefined;
  const size = runtime.keepsLayersPacked === true ? undefined : here?.size;
  if (isSavedAs(image, reference, runtime))
    return save({ reference, name: reference, size }, lacking, options);

  // of another repository: with the last tag of its own, an engine forgets a digest too, and the image with it
  const tag = `localhost/jest-kubernetes/import:${randomBytes(6).toString('hex')}-${process.pid}`;
  const tagged = await runEngine(runtime, ['tag', here?.name ?? reference, tag], { signal });
  if (tagged.failed) throw importFailure(reference, tagged.words, options);
  try {
    const result = await save({ reference: tag, name: reference, size }, lacking, options);
    await Promise.all(lacking.map((node) => rename(node, tag, image.name, options)));
    return result;
  } finally {
    // without the signal: an interrupted import leaves no tag behind either
    await runEngine(runtime, ['rmi', tag]);
  }
}

/**
 * Whether an archive of it bears the name that the kubelet looks for. Saved by its digest an image has none, and Podman
 * calls what it builds `localhost/…` where Kubernetes says `docker.io/library/…`: such a one travels under a tag, and
 * gets its name in the node.
 */
function isSavedAs(
  { digest, registry }: ImageReference,
  reference: string,
  { name }: Pick<ContainerRuntime, 'name'>,
): boolean {
  return digest === undefined && (name !== 'podman' || reference.startsWith(`${registry}/`));
}

/**
 * The CRI knows an image by its id too, which is an image name to containerd: it has the engine's image where both
 * names lead to one digest and all of its layers are unpacked. An engine that keeps its images in a containerd of its
 * own calls them by that digest itself; one of several platforms by their index, which the node is not sent.
 */
async function nodesWithout(
  here: { name: string; id: string },
  name: string,
  nodes: readonly ImportNode[],
  { runtime, signal, progress }: ImportOptions,
): Promise<ImportNode[]> {
  progress.waitingFor('containerd to tell which images it has');
  const known = [here.id, await platformImageId(here.name, runtime, runtime.platform)];
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

interface Saved {
  /** What it travels under. */
  reference: string;
  /** What people call it. */
  name: string;
  /** Of its layers, in bytes, as far as it is known. */
  size: number | undefined;
}

/** Sends it without the layers that the nodes have; all of it, where containerd then misses one after all. */
async function save(
  image: Saved,
  nodes: readonly ImportNode[],
  options: ImportOptions,
): Promise<{ bytes: number }> {
  const known = await contentOfAll(nodes, options.runtime, options.signal);
  try {
    return await saveWithout(known, image, nodes, options);
  } catch (error) {
    // taken away in the node since it was asked
    if (known.size === 0 || !says(error, /content digest \S+ not found/)) throw error;
    return saveWithout(new Set(), image, nodes, options);
  }
}

async function saveWithout(
  known: ReadonlySet<string>,
  { reference, name, size }: Saved,
  nodes: readonly ImportNode[],
  options: ImportOptions,
): Promise<{ bytes: number }> {
  const { runtime, signal } = options;
  const saveBy = (args: readonly string[]): Promise<{ bytes: number }> => {
    const child = spawn(runtime.command, args, {
      env: { ...process.env, ...runtime.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let leftOut = 0;
    const onLeftOut = (bytes: number): void => {
      leftOut += bytes;
    };
    const stream = known.size === 0 ? child.stdout : withoutContent(child.stdout, known, signal, onLeftOut);
    const expected = (): number | undefined => (size === undefined ? undefined : size - leftOut);
    return streamIntoNodes(name, { stream, saving: child, expected }, nodes, options);
  };
  try {
    return await saveBy(saveArguments(runtime, reference));
  } catch (error) {
    // a client that is older than its engine does not know the option
    if (!says(error, /unknown flag: --platform/)) throw error;
    return saveBy(['save', reference]);
  }
}

const says = (error: unknown, words: RegExp): boolean =>
  (error as Partial<JestKubernetesError>).evidence?.some((line) => words.test(line)) === true;

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
