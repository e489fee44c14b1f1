import { setTimeout as sleep } from 'node:timers/promises';
import { message } from './messages.ts';
import { sender } from './peers.ts';

export interface LoadResult {
  readonly seconds: number;
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
  /** The number of the first message, so that runs do not repeat control ids. */
  readonly first: number;
  readonly onSend: (controlId: string, at: number) => void;
  /** Messages a second over all connections; as fast as they are acknowledged if left out. */
  readonly rate?: number | undefined;
}

/** Sends messages over all connections, one in flight on each; at a fixed rate a message that is late is sent at once. */
export async function load({
  ports,
  portOf,
  connections,
  messages,
  first,
  onSend,
  rate,
}: Load): Promise<LoadResult> {
  const acknowledged: number[] = [];
  let next = first;
  const end = first + messages;
  const began = performance.now();
  const due = pace(rate);
  const drive = async (): Promise<void> => {
    const open = await Promise.all(ports.map((port) => sender(port)));
    while (next < end) {
      const n = next++;
      await due(n - first);
      const { controlId, bytes } = message(n);
      onSend(controlId, performance.now());
      acknowledged.push((await open[portOf(n)]?.send(bytes)) ?? 0);
    }
    for (const one of open) one.close();
  };
  await Promise.all(Array.from({ length: connections }, drive));
  return {
    seconds: (performance.now() - began) / 1_000,
    acknowledged: acknowledged.toSorted((a, b) => a - b),
  };
}

/** Waits until message n of a fixed rate a second is due; one that is late is due at once. */
export function pace(rate: number | undefined): (n: number) => Promise<void> {
  const began = performance.now();
  return async (n) => {
    const early = rate === undefined ? 0 : (n * 1_000) / rate - (performance.now() - began);
    if (early > 1) await sleep(early);
  };
}

/** The value below which the given share of sorted values lies. */
export function percentile(sorted: readonly number[], share: number): number {
  const index = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
  return Number((sorted[index] ?? 0).toFixed(2));
}
