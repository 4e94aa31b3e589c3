import { readdir, readFile, readlink, statfs } from 'node:fs/promises';
import { availableParallelism, loadavg, platform, release, totalmem } from 'node:os';

import { processes } from '../support/native.js';
import type { HostFacts, PortOwner } from './snapshot.js';

/** Who listens on a TCP port of this host; undefined where nobody does, or it cannot be told. */
async function portOwner(port: number, signal?: AbortSignal): Promise<PortOwner | undefined> {
  try {
    return await (process.platform === 'linux' ? ownerOnLinux(port) : ownerByLsof(port, signal));
  } catch {
    return undefined;
  }
}

/** `/proc/net/tcp` writes an address as 32-bit words, each in the machine's (little-endian) byte order. */
function readableAddress(hex: string): string {
  const bytes = hex.match(/.{8}/g)?.flatMap((word) => word.match(/../g)?.reverse() ?? []) ?? [];
  if (bytes.length === 4) return bytes.map((byte) => parseInt(byte, 16)).join('.');
  return bytes.every((byte) => byte === '00') ? '::' : `[${bytes.join('').match(/.{4}/g)?.join(':') ?? ''}]`;
}

interface Listener {
  address: string;
  uid: number;
  inode: string;
}

/** The listening sockets on a port, from the text of /proc/net/tcp or tcp6 (proc(5)). */
export function listenersIn(table: string, port: number): Listener[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , uid = '', , inode = ''] = line.trim().split(/\s+/);
    const [address = '', localPort] = local.split(':');
    // 0A is TCP_LISTEN
    if (state !== '0A' || localPort !== wanted) return [];
    return [{ address: readableAddress(address), uid: Number(uid), inode }];
  });
}

async function ownerOnLinux(port: number): Promise<PortOwner | undefined> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
  );
  const listener = tables.flatMap((table) => listenersIn(table, port))[0];
  if (listener === undefined) return undefined;
  const pid = await holderOf(`socket:[${listener.inode}]`);
  const command = pid === undefined ? undefined : await commandLine(pid);
  return { port, address: listener.address, pid, command, uid: listener.uid };
}

/** The process that has a socket open; other users' processes hide theirs. */
async function holderOf(socket: string): Promise<number | undefined> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      if ((await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')) === socket) return Number(pid);
    }
  }
  return undefined;
}

async function commandLine(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '');
  return text.replaceAll('\0', ' ').trim() || undefined;
}

async function ownerByLsof(port: number, signal?: AbortSignal): Promise<PortOwner | undefined> {
  const { execa } = processes();
  const bounds = { timeout: 5_000, ...(signal && { cancelSignal: signal }) };
  const { stdout } = await execa('lsof', ['-nP', `-iTCP:${String(port)}`, '-sTCP:LISTEN', '-Fpun'], bounds);
  // lsof -F writes one field a line, its first letter the field's name
  const field = (name: string) =>
    stdout
      .split('\n')
      .find((line) => line.startsWith(name))
      ?.slice(1);
  const pid = Number(field('p'));
  if (!Number.isInteger(pid)) return undefined;
  const shown = await execa('ps', ['-o', 'command=', '-p', String(pid)], { ...bounds, reject: false });
  return {
    port,
    address: field('n')?.replace(/:\d+$/, '') ?? '',
    pid,
    command: shown.stdout.trim() || undefined,
    uid: Number(field('u')),
  };
}

async function diskOf(paths: readonly string[]): Promise<HostFacts['disk']> {
  for (const path of paths) {
    const stats = await statfs(path).catch(() => undefined);
    if (stats) return { path, totalBytes: stats.blocks * stats.bsize, freeBytes: stats.bavail * stats.bsize };
  }
  return undefined;
}

/**
 * The host's side of a failure: its memory, its disk, and who has the ports. Never rejects.
 * @param engineFiles - the folder of the engine's files, which may be another machine's; default: Docker's usual one
 */
export async function observeHost(
  ports: readonly number[],
  signal?: AbortSignal,
  engineFiles = '/var/lib/docker',
): Promise<HostFacts> {
  const [disk, owners] = await Promise.all([
    diskOf([engineFiles, '/']),
    Promise.all([...new Set(ports)].map((port) => portOwner(port, signal))),
  ]);
  return {
    platform: `${platform()} ${release()}`,
    cpus: availableParallelism(),
    loadAverage: loadavg(),
    totalMemoryBytes: totalmem(),
    freeMemoryBytes: process.availableMemory(),
    disk,
    ports: owners.filter((owner) => owner !== undefined),
  };
}
