import { unless } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';
import type { Leases } from './lease.ts';

/** What every consumer of a stream has acknowledged may go after this long: a restarted engine reads the journal's last minute. */
const MARGIN = 5 * 60_000;
const PASS = 30_000;

/**
 * Purges each stream of the production up to the lowest acknowledge floor of its consumers, on the
 * one engine that holds the lease. Only what worker and projector are both done with can go; a
 * stream without consumers is never touched.
 */
export function startJanitor(
  broker: Broker,
  leases: Leases,
  streams: () => readonly string[],
  margin: number = MARGIN,
): { close(): Promise<void> } {
  const stop = new AbortController();
  const floors = new Map<string, { floor: number; at: number }[]>();

  const pass = async (): Promise<void> => {
    for (const stream of streams()) {
      const floor = await lowestFloor(broker, stream);
      if (floor === undefined) continue;
      const seen = [...(floors.get(stream) ?? []), { floor, at: Date.now() }];
      const old = seen.findLast(({ at }) => at <= Date.now() - margin);
      floors.set(stream, seen.slice(-Math.ceil(margin / Math.min(PASS, margin + 1)) - 2));
      if (old === undefined || old.floor === 0) continue;
      await broker.manager.streams.purge(stream, { seq: old.floor + 1 });
    }
  };

  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const lease = await leases
        .take('janitor')
        .catch(unless(isAway, 'asking for the lease of the janitor'));
      while (lease !== undefined && !lease.signal.aborted && !stop.signal.aborted) {
        // a server that is away now is there at the next pass
        await pass().catch(unless(isAway, 'tidying the streams'));
        await pause(Math.min(PASS, margin + 100), stop.signal, { ref: false });
      }
      await lease?.release();
      await pause(PASS, stop.signal, { ref: false });
    }
  };
  const ended = run();
  return {
    async close() {
      stop.abort();
      await ended;
    },
  };
}

/** The sequence up to which every consumer has acknowledged; undefined without consumers. */
async function lowestFloor({ manager }: Broker, stream: string): Promise<number | undefined> {
  let lowest: number | undefined;
  for await (const { ack_floor } of manager.consumers.list(stream)) {
    lowest = Math.min(lowest ?? Number.POSITIVE_INFINITY, ack_floor.stream_seq);
  }
  return lowest;
}
