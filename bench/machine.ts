import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg, totalmem } from 'node:os';

/** The conditions of a run. Names neither the machine nor its make. */
export interface Machine {
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
}

export function machine(): Machine {
  return {
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
}

/** The load average of the last minute. */
export function loadOfMachine(): number {
  return Number((loadavg()[0] ?? 0).toFixed(1));
}

const TICKS = 100;

/** Busy and total seconds of all processors so far; undefined without /proc. */
function processors(): { readonly busy: number; readonly all: number } | undefined {
  try {
    const line = /^cpu +(.*)/.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '';
    // user, nice, system, idle, iowait, irq, softirq, steal; guest time is included in user
    const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, steal = 0] =
      line.split(' ').map((ticks) => Number(ticks) / TICKS);
    const busy = user + nice + system + irq + softirq + steal;
    return { busy, all: busy + idle + wait };
  } catch {
    // not Linux
    return undefined;
  }
}

/**
 * Starts measuring; the returned function gives the share of all CPU time that other processes used
 * meanwhile, given the CPU seconds of the engine and its nats-server. Undefined if unknown.
 */
export function othersWatch(): (ownCpuSeconds: number) => number | undefined {
  const before = processors();
  const self = process.cpuUsage();
  return (ownCpuSeconds) => {
    const after = processors();
    if (before === undefined || after === undefined) return undefined;
    const { user, system } = process.cpuUsage(self);
    const own = ownCpuSeconds + (user + system) / 1e6;
    const share = (after.busy - before.busy - own) / (after.all - before.all || 1);
    return Number(Math.max(0, share).toFixed(2));
  };
}
