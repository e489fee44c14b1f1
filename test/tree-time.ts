import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second. */
const TICK = 0.01;

/**
 * Seconds of processor time of this process and of what it started, whether that runs or has ended; 0 where there is no
 * /proc. What left its parent (a daemon, a page of Chromium) is missing.
 */
export function treeTime(): number {
  const own = timeOf('self');
  if (own === undefined) return 0;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000 + own.ended + below('self');
}

/** Of the living children of a process, and of theirs. */
function below(pid: string): number {
  let sum = 0;
  for (const child of childrenOf(pid)) {
    const time = timeOf(child);
    if (time !== undefined) sum += time.own + time.ended + below(child);
  }
  return sum;
}

/** Of all its threads, since each has its own. */
function childrenOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
    );
  } catch {
    // it has ended meanwhile, or the system does not tell of children
    return [];
  }
}

interface ProcessTime {
  readonly own: number;
  /** Of children that have ended and were waited for, and of theirs. */
  readonly ended: number;
}

function timeOf(pid: string): ProcessTime | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // after the name, which may hold spaces; see proc_pid_stat(5)
    const [user = 0, system = 0, ofChildren = 0, systemOfChildren = 0] = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 15)
      .map((ticks) => Number(ticks) * TICK);
    return { own: user + system, ended: ofChildren + systemOfChildren };
  } catch {
    // it has ended meanwhile, or the system has no /proc
    return undefined;
  }
}
