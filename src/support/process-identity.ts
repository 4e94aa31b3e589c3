import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process that a reused pid cannot be mistaken for. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in the system's own terms; compared, never computed with. */
  startedAt: string;
}

/** Linux: the boot's id and the 22nd field of /proc/PID/stat (proc(5)), neither of which a clock's jump moves. */
function startOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    // the second field is the program's name in parentheses, which may itself hold spaces and parentheses
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${fields[19] ?? ''}`;
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

const startOf = process.platform === 'linux' ? startOnLinux : startElsewhere;

/** The identity of a process that runs now; undefined where there is none (a zombie is none). */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startedAt = startOf(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** Whether that very process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return startOf(identity.pid) === identity.startedAt;
}
