import { setTimeout as sleep } from 'node:timers/promises';
import { message } from './messages.ts';
import { sender } from './peers.ts';

export interface LoadResult {
  readonly seconds: number;
  readonly sent: number;
  /** Sorted milliseconds to each acknowledgement. */
  readonly acknowledged: number[];
}

export interface Load {
  /** The port of each connection's listener, by the number of the message. */
  readonly ports: readonly number[];
  /** Which of `ports` a message goes to. */
  readonly portOf: (n: number) => number;
  readonly connections: number;
  readonly messages: number;
  /** The number of the first message; runs must not repeat control ids. */
  readonly first: number;
  /** Called before a message is written, with the moment from which its times count. */
  readonly onSend: (controlId: string, from: number) => void;
  /** Messages per second over all connections; if left out, as fast as they are acknowledged. */
  readonly rate?: number | undefined;
  /** Ends the run early. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends messages over all connections, one in flight on each. At a fixed rate the load is open:
 * messages are due whether or not earlier ones were answered, and a message for which all
 * connections were busy counts from when it was due.
 */
export async function load({
  ports,
  portOf,
  connections,
  messages,
  first,
  onSend,
  rate,
  signal,
}: Load): Promise<LoadResult> {
  const acknowledged: number[] = [];
  let next = first;
  const end = first + messages;
  const lanes = await Promise.all(
    Array.from({ length: connections }, () => Promise.all(ports.map((port) => sender(port)))),
  );
  const began = performance.now();
  const due = pace(rate);
  const drive = async (open: (typeof lanes)[number]): Promise<void> => {
    while (next < end && signal?.aborted !== true) {
      const n = next++;
      const from = await due(n - first);
      const { controlId, bytes } = message(n);
      onSend(controlId, from);
      await open[portOf(n)]?.send(bytes);
      acknowledged.push(performance.now() - from);
    }
  };
  try {
    await Promise.all(lanes.map(drive));
  } finally {
    for (const one of lanes.flat()) one.close();
  }
  return {
    seconds: (performance.now() - began) / 1_000,
    sent: next - first,
    acknowledged: acknowledged.toSorted((a, b) => a - b),
  };
}

/**
 * Waits until message n of a fixed rate per second is due, and resolves to the moment from which
 * its times count: when it was due if its sender was late, otherwise now, since a timer's delay is
 * not the receiver's. Without a rate: now.
 */
export function pace(rate: number | undefined): (n: number) => Promise<number> {
  const began = performance.now();
  return async (n) => {
    if (rate === undefined) return performance.now();
    const due = began + (n * 1_000) / rate;
    const early = due - performance.now();
    if (early <= 0) return due;
    if (early > 1) await sleep(early);
    return performance.now();
  };
}

/** The given percentile (as a share) of sorted values. */
export function percentile(sorted: readonly number[], share: number): number {
  const index = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
  return Number((sorted[index] ?? 0).toFixed(2));
}

export interface Times {
  readonly p50: number;
  readonly p99: number;
}

/** Median and 99th percentile of values in any order. */
export function timesOf(values: readonly number[]): Times {
  const sorted = values.toSorted((a, b) => a - b);
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
}
