import type { HostStatistics } from '../traced-message.ts';

/** Sums roll-ups into intervals of `step` milliseconds. */
export function intervals(step: number): {
  add(part: HostStatistics): void;
  list(): HostStatistics[];
} {
  /** By start, then by host: a day by the minute is some ten thousand sums. */
  const sums = new Map<number, Map<string, HostStatistics>>();
  return {
    add(part) {
      const at = Math.floor(part.at / step) * step;
      const hosts = sums.get(at) ?? new Map<string, HostStatistics>();
      sums.set(at, hosts);
      const sum = hosts.get(part.host);
      hosts.set(part.host, sum === undefined ? { ...part, at } : plus(sum, part));
    },
    list: () =>
      [...sums]
        .toSorted(([a], [b]) => a - b)
        .flatMap(([, hosts]) => [...hosts.values()].toSorted((a, b) => (a.host < b.host ? -1 : 1))),
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
