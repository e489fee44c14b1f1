import { readFileSync, readlinkSync } from 'node:fs';
import { bootId } from '../time/boot.ts';

/**
 * Identifies this process, so that another one can prove that it is gone. A process id alone is not
 * enough: each container has a 1, and ids are reused. So the identity also contains the machine's
 * boot, the id's namespace and the start time of the process. Undefined if the system does not
 * reveal them.
 */
export function processIdentity(): string | undefined {
  const around = surroundings();
  const started = startOf(process.pid);
  return around === undefined || started === undefined
    ? undefined
    : `${around}/${process.pid}/${started}`;
}

/** Whether it is or was a process visible from here: of this boot and this namespace. */
export function isLocal(identity: string | undefined): boolean {
  const around = surroundings();
  return identity !== undefined && around !== undefined && identity.startsWith(`${around}/`);
}

/** Whether a process of this boot and this namespace is certainly gone; false if that is not known. */
export function isGone(identity: string | undefined): boolean {
  const around = surroundings();
  if (identity === undefined || around === undefined) return false;
  const [, where, pid, started] = /^(.*)\/(\d+)\/(\d+)$/.exec(identity) ?? [];
  if (where !== around) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
  }
  const now = startOf(Number(pid));
  return now !== undefined && now !== started;
}

/** The boot and the namespace of process ids. */
function surroundings(): string | undefined {
  const boot = bootId();
  if (boot === undefined) return undefined;
  try {
    return `${boot}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    // a system without /proc: nothing can be known about the holders of leases
    return undefined;
  }
}

/** Clock ticks from the boot to the start of a process (`man proc_pid_stat`, field 22). */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the name in field 2 may contain spaces and brackets
    return stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .at(22 - 3);
  } catch {
    // there is no such process
    return undefined;
  }
}
