import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { openApi } from '../kubernetes/index.js';
import { orAborted } from '../support/abort.js';
import { masker } from '../support/mask.js';
import { clusterFiles, type Files, hostFiles, logFile, podFile, runFiles } from './bundle/files.js';
import { type Bundle, bundlePath, lateness, makeBundle, prune } from './bundle/folder.js';
import type { BundleOptions } from './bundle/options.js';
import { writeExport } from './bundle/provider-logs.js';
import { secretsHeld } from './bundle/secrets.js';
import { summaryText, yamlOf } from './bundle/text.js';
import { readLogs } from './logs.js';
import { observe } from './observe.js';
import { questions, reasonOf } from './observe-cluster.js';
import type { ContainerLog, Snapshot } from './snapshot.js';
import { recordFile } from './tests/record.js';
import { setupRecord } from './tests/setup-record.js';

/** The whole bundle's bound, in milliseconds. */
const BUNDLE_MS = 30_000;
const LOG_LINES = 2_000;
const LOG_BYTES = 1024 * 1024;

/**
 * Writes all that can be seen of a failed run into `<directory>/<time>-<runId>/`,
 * secrets masked, within 30 s. What cannot be had is noted in its summary.txt;
 * only the last ten bundles are kept.
 *
 * @returns the bundle's absolute path
 * @throws where the folder itself cannot be written
 */
export async function writeBundle(options: BundleOptions): Promise<string> {
  const { directory, runId, access } = options;
  const bound = AbortSignal.timeout(BUNDLE_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, bound]) : bound;
  const path = bundlePath(directory, runId, options.startedAt);
  makeBundle(path);

  const notes: string[] = [];
  const attempt = async <T>(what: string, part: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await orAborted(part(), signal);
    } catch (error) {
      notes.push(`${what}: ${signal.aborted ? lateness : reasonOf(error)}`);
      return undefined;
    }
  };

  const held =
    access &&
    (await attempt('secrets to mask', async () => {
      using api = openApi(access, { ...questions, signal });
      return await secretsHeld(api, options.namespaces);
    }));
  const mask = masker([...(options.secrets ?? []), ...(held ?? [])]);
  const write = async (file: string, text: string): Promise<void> => {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), mask(text), { mode: 0o600 });
  };
  const bundle: Bundle = { write, notes };

  const summary = (): string => summaryText(options, notes);
  await write('summary.txt', summary());
  await Promise.all([
    ...Object.entries(runFiles).map(([file, text]) =>
      attempt(basename(file, '.txt'), () => writeFiles(bundle, { [file]: text }, options)),
    ),
    attempt('cluster', async () => {
      const { snapshot, logs } = await writeCluster(bundle, options, signal);
      if (options.error === undefined) return;
      const record = setupRecord(options, mask, snapshot, logs);
      await writeFile(join(path, recordFile), JSON.stringify(record), { mode: 0o600 });
    }),
    attempt('kind export logs', () => writeExport(bundle, options.exportLogs, signal)),
    attempt('older bundles', () => prune(directory)),
  ]);
  await write('summary.txt', summary());
  return path;
}

/** Writes those of the files that have a text. */
async function writeFiles<Seen>({ write }: Bundle, files: Files<Seen>, seen: Seen): Promise<void> {
  const writing = Object.entries(files).map(async ([file, textOf]) => {
    const text = textOf(seen);
    if (text !== undefined) await write(file, text);
  });
  await Promise.all(writing);
}

/** Of the cluster, where there is one, and of the host. */
async function writeCluster(
  bundle: Bundle,
  options: BundleOptions,
  signal: AbortSignal,
): Promise<{ snapshot: Snapshot; logs: readonly ContainerLog[] }> {
  const { write, notes } = bundle;
  const { access, engine, namespaces, ports = [] } = options;
  const seen = await observe({ ports, signal, engine, access, scope: { namespaces } });
  notes.push(...seen.unseen);
  await writeFiles(bundle, hostFiles, seen);
  if (seen.api?.answers !== true || !access) return { snapshot: seen, logs: [] };

  const { nodes, pods, events } = seen;
  const claims = [...seen.claims, ...seen.storageClasses];
  await Promise.all([
    writeFiles(bundle, clusterFiles, { nodes, pods, events, claims }),
    ...pods.map((pod) => write(podFile(pod), yamlOf([pod]))),
  ]);

  using api = openApi(access, { ...questions, signal });
  const logs = await Promise.all(
    pods.map(async (pod) => {
      const ofPod = await readLogs(api, pod, { lines: LOG_LINES, bytes: LOG_BYTES, timestamps: true });
      for (const log of ofPod) await write(logFile(pod, log), log.text);
      return ofPod;
    }),
  );
  return { snapshot: seen, logs: logs.flat() };
}
