import { messageOf } from '../../../support/errors.js';
import type { RunCli } from '../node-containers.js';
import { format, type SnapshotContent } from './content.js';

/*
 * Snapshots are images of the engine that they start on, and nothing else is written down of them: what they hold is in
 * a label, when one was used last in the time of its tag. One without a tag has not been proven.
 */

const repository = 'jest-kubernetes/snapshot';
/** What a snapshot is, for this package. */
const recordLabel = 'jest-kubernetes.snapshot';
/** The same for a reader. */
const wordsLabel = 'jest-kubernetes.holds';
const words =
  'a booted Kubernetes node with its images, without its keys; it starts on this engine alone and is not to be pushed';

export interface SnapshotRecord {
  key: string;
  content: SnapshotContent;
  /** ISO 8601. */
  madeAt: string;
  /** The host name of the node that it was made of, which its clones keep: Kubernetes knows them by it. */
  hostname: string;
  /** What `docker run` is told, as kind told it, but for the name, the owner, the ports and the mounts. */
  args: readonly string[];
}

export interface Snapshot extends SnapshotRecord {
  /** The image's. */
  id: string;
  isProven: boolean;
  /** ISO 8601. */
  usedAt: string;
  bytes: number;
}

interface InspectedImage {
  Id: string;
  RepoTags?: string[] | null;
  Size: number;
  Metadata?: { LastTagTime?: string };
  Config: { Labels?: Readonly<Record<string, string>> | null };
}

const referenceOf = (key: string): string => `${repository}:${key}`;

/** The changes of `docker commit` that make an image a snapshot. */
export function commitChanges(record: SnapshotRecord): string[] {
  const text = Buffer.from(JSON.stringify(record)).toString('base64url');
  const labels = { [recordLabel]: text, [wordsLabel]: words };
  return Object.entries(labels).flatMap(([name, value]) => ['--change', `LABEL ${name}="${value}"`]);
}

/** The snapshot of a key, proven and not too old; undefined where there is none. */
export async function findSnapshot(
  key: string,
  run: RunCli,
  signal?: AbortSignal,
): Promise<Snapshot | undefined> {
  const text = await run(['image', 'inspect', referenceOf(key)], { signal }).catch(() => undefined);
  signal?.throwIfAborted();
  const [found] = text === undefined ? [] : snapshotsIn(text);
  return found?.key === key && found.isProven && !isOld(found, Date.now()) ? found : undefined;
}

/** All snapshots of the engine, those not proven too; the one used last first. */
export async function listSnapshots(run: RunCli, signal?: AbortSignal): Promise<Snapshot[]> {
  const list = ['image', 'ls', '--quiet', '--no-trunc', '--filter', `label=${recordLabel}`];
  const ids = [...new Set((await run(list, { signal })).split('\n').filter(Boolean))];
  if (ids.length === 0) return [];
  const found = snapshotsIn(await run(['image', 'inspect', ...ids], { signal }));
  return found.sort((one, other) => (one.usedAt < other.usedAt ? 1 : -1));
}

function snapshotsIn(text: string): Snapshot[] {
  return (JSON.parse(text) as InspectedImage[]).flatMap((image) => {
    const record = recordIn(image.Config.Labels?.[recordLabel]);
    if (record === undefined) return [];
    const isProven = image.RepoTags?.includes(referenceOf(record.key)) === true;
    const usedAt = isProven ? (image.Metadata?.LastTagTime ?? record.madeAt) : record.madeAt;
    return [{ ...record, id: image.Id, isProven, usedAt, bytes: image.Size }];
  });
}

/** Undefined where it is another version's, or none. */
function recordIn(text: string | undefined): SnapshotRecord | undefined {
  try {
    const read = JSON.parse(Buffer.from(text ?? '', 'base64url').toString('utf8')) as SnapshotRecord;
    return read.content.format === format ? read : { ...read, key: '' };
  } catch {
    return undefined;
  }
}

/** Gives a snapshot its name, by which it is found; of one that has it, notes that it is used now. */
export async function tagSnapshot(
  { id, key }: Pick<Snapshot, 'id' | 'key'>,
  run: RunCli,
  signal?: AbortSignal,
): Promise<void> {
  await run(['tag', id, referenceOf(key)], { signal });
}

/** Takes a snapshot away; clusters that run from it go on. */
export async function dropSnapshot(
  { id, key, isProven }: Pick<Snapshot, 'id' | 'key' | 'isProven'>,
  run: RunCli,
): Promise<void> {
  try {
    await run(isProven ? ['rmi', '--force', referenceOf(key)] : ['rmi', id]);
  } catch (error) {
    if (!/no such image|is being used/i.test(messageOf(error))) throw error;
  }
}

/** How many snapshots are kept. */
const keptSnapshots = 3;
/** How old one may be, in milliseconds: what Kubernetes itself has signed in it ends some day. */
const longestAge = 30 * 24 * 60 * 60 * 1000;
/** How long the making of one takes at the most, in milliseconds: one that is older, and not proven, nobody makes any more. */
const longestMaking = 15 * 60 * 1000;

const ageOf = ({ madeAt }: SnapshotRecord, now: number): number => now - Date.parse(madeAt);
const isOld = (snapshot: SnapshotRecord, now: number): boolean => !(ageOf(snapshot, now) < longestAge);

/** Those that are to go: not proven, too old, another version's, or not among those used last. */
export function superfluous(snapshots: readonly Snapshot[], now: number): Snapshot[] {
  const usable = snapshots.filter(
    (snapshot) => snapshot.isProven && snapshot.key !== '' && !isOld(snapshot, now),
  );
  const kept = [...usable].sort((one, other) => (one.usedAt < other.usedAt ? 1 : -1)).slice(0, keptSnapshots);
  const isInTheMaking = (snapshot: Snapshot): boolean =>
    !snapshot.isProven && ageOf(snapshot, now) < longestMaking;
  return snapshots.filter((snapshot) => !kept.includes(snapshot) && !isInTheMaking(snapshot));
}

/** For how long one that was used keeps its place against one that nobody has asked for, in milliseconds. */
const keepsPlaceFor = 4 * 60 * 60 * 1000;

/** Whether one more would be kept without taking the place of one that is in use: else many configurations make theirs in turn. */
export function hasPlace(snapshots: readonly Snapshot[], now: number): boolean {
  const gone = superfluous(snapshots, now);
  const inUse = snapshots.filter(
    (snapshot) =>
      snapshot.isProven && !gone.includes(snapshot) && now - Date.parse(snapshot.usedAt) < keepsPlaceFor,
  );
  return inUse.length < keptSnapshots;
}

/** Takes away those that are to go. @returns their keys */
export async function pruneSnapshots(run: RunCli): Promise<string[]> {
  const gone = superfluous(await listSnapshots(run), Date.now());
  for (const snapshot of gone) await dropSnapshot(snapshot, run);
  return gone.map(({ key }) => key);
}
