import type { HostStatistics } from './traced-message.ts';

/** Sums roll-ups into intervals of `step` milliseconds. */
export function intervals(step: number): {
  add(part: HostStatistics): void;
  list(): HostStatistics[];
} {
  const sums = new Map<string, HostStatistics>();
  return {
    add(part) {
      const at = Math.floor(part.at / step) * step;
      const key = `${at} ${part.host}`;
      const sum = sums.get(key);
      sums.set(key, sum === undefined ? { ...part, at } : plus(sum, part));
    },
    list: () => [...sums.values()].toSorted((a, b) => a.at - b.at || a.host.localeCompare(b.host)),
  };
}

function plus(a: HostStatistics, b: HostStatistics): HostStatistics {
  return {
    host: a.host,
    at: a.at,
    in: a.in + b.in,
    out: a.out + b.out,
    errors: a.errors + b.errors,
    bytes: a.bytes + b.bytes,
    latency: a.latency + b.latency,
    latencyMax: Math.max(a.latencyMax, b.latencyMax),
  };
}
