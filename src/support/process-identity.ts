import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process that a reused pid cannot be mistaken for, nor one of another machine or container. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in the system's own terms; compared, never computed with. */
  startedAt: string;
  /** Where it runs, by what lasts over a reboot: `HOST`, or `HOST/MACHINE ID`. */
  machine?: string;
  /** Linux alone: within which the pid counts. */
  pidNamespace?: string;
}

/** @returns undefined for a process that has ended and is only waited for. @throws ENOENT or ESRCH where there is none */
function statOnLinux(pid: number): { group: number; startedAt: string } | undefined {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  // the second field is the program's name in parentheses, which may itself hold spaces and parentheses
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const hasEnded = fields[0] === 'Z' || fields[0] === 'X';
  return hasEnded ? undefined : { group: Number(fields[2]), startedAt: fields[19] ?? '' };
}

/** Linux: the boot's id and the 22nd field of /proc/PID/stat (proc(5)), neither of which a clock's jump moves. */
function startOnLinux(pid: number): string | undefined {
  try {
    const stat = statOnLinux(pid);
    if (stat === undefined) return undefined;
    return `${bootId()}/${stat.startedAt}`;
  } catch (error) {
    // anything else (too many open files, say) tells nothing, and a living process must not be taken for dead
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

function startElsewhere(pid: number): string | undefined {
  try {
    const text = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return text.trim() || undefined;
  } catch (error) {
    // 1 is ps's word for "no such process"; any other failure tells nothing
    if ((error as { status?: number | null }).status === 1) return undefined;
    throw error;
  }
}

/** Linux: of this run of the kernel. */
export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/**
 * Where this process runs: its pids mean nothing elsewhere. The machine's id alone does not tell, as clones of one image
 * have the same; nor does the host's name, which many machines share.
 */
function placeOnLinux(): Pick<ProcessIdentity, 'machine' | 'pidNamespace'> {
  const pidNamespace = readlinkSync('/proc/self/ns/pid');
  try {
    return { machine: `${hostname()}/${readFileSync('/etc/machine-id', 'utf8').trim()}`, pidNamespace };
  } catch {
    return { machine: hostname(), pidNamespace }; // many container images have none
  }
}

const isLinux = process.platform === 'linux';

// elsewhere the name is for readers: it may change with the network, and pids are those of the one machine
const place = isLinux ? placeOnLinux : () => ({ machine: hostname() });

const startOf = isLinux ? startOnLinux : startElsewhere;

/** The identity of a process that runs now; undefined where there is none (a zombie is none). */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startedAt = startOf(pid);
  return startedAt === undefined ? undefined : { pid, startedAt, ...place() };
}

/**
 * Whether that very process still runs. `same kernel`: it is, or was, one of another pid namespace here, of which its pid
 * says nothing; `elsewhere`: one of another machine, of which nothing can be said.
 */
export function standingOf(identity: ProcessIdentity): 'alive' | 'dead' | 'same kernel' | 'elsewhere' {
  const { machine, pidNamespace } = identity;
  // an earlier version told neither, and shared with nobody
  if (machine !== undefined && (pidNamespace !== undefined) !== isLinux) return 'elsewhere';
  if (pidNamespace !== undefined) {
    const here = placeOnLinux();
    const isThisBoot = identity.startedAt.startsWith(`${bootId()}/`);
    if (isThisBoot && pidNamespace !== here.pidNamespace) return 'same kernel';
    if (!isThisBoot) return machine === here.machine ? 'dead' : 'elsewhere';
  }
  return startOf(identity.pid) === identity.startedAt ? 'alive' : 'dead';
}

/** Whether that very process runs, where its pid is the one to signal. */
export const runsHere = (identity: ProcessIdentity): boolean => standingOf(identity) === 'alive';

/** Whether that very process may still run: of one that cannot be seen from here, it is not known that it does not. */
export const isAlive = (identity: ProcessIdentity): boolean => standingOf(identity) !== 'dead';

export interface GroupMember {
  pid: number;
  /** Its arguments, the program first; spaces in them cannot be told from those between them. */
  command: string;
}

function membersOnLinux(group: number): GroupMember[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        if (statOnLinux(Number(name))?.group !== group) return [];
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return [{ pid: Number(name), command }];
      } catch {
        return []; // it ended meanwhile
      }
    });
}

function membersElsewhere(group: number): GroupMember[] {
  const columns = ['-o', 'pid=', '-o', 'pgid=', '-o', 'stat=', '-o', 'command='];
  return execFileSync('ps', ['-A', ...columns], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .split('\n')
    .flatMap((line) => {
      const [, pid, pgid, stat = '', command = ''] = /^ *(\d+) +(\d+) +(\S+) +(.*)$/.exec(line) ?? [];
      return Number(pgid) === group && !stat.startsWith('Z') ? [{ pid: Number(pid), command }] : [];
    });
}

/** The processes of a process group that run now, whether its leader is among them or not. */
export const groupMembers = isLinux ? membersOnLinux : membersElsewhere;
