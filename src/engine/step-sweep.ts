import type { Broker } from '../broker/broker.ts';
import { idsFrom } from '../broker/find-by-id.ts';
import { WORKER } from '../broker/names.ts';
import type { Steps } from '../broker/steps.ts';
import { pause } from '../time/pause.ts';

/** Steps that nothing was added to for this long are looked at: their message may have ended. */
const OLD = 7 * 86_400_000;
const FIRST = 10 * 60_000;
const EVERY = 6 * 3_600_000;

export interface SweepParts {
  readonly broker: Broker;
  readonly steps: Steps;
  readonly operationStreams: () => readonly string[];
}

/**
 * Removes the steps of messages that have ended, where a crash or a stop came before that was done, and
 * answers that came after it; now and again until the signal aborts.
 */
export async function sweepWhile(
  parts: SweepParts,
  isWaiting: (id: number) => boolean,
  signal: AbortSignal,
): Promise<void> {
  for (let time = FIRST; ; time = EVERY) {
    await pause(time, signal, { ref: false });
    if (signal.aborted) return;
    await sweepSteps(parts, isWaiting, OLD, signal);
  }
}

/** @returns how many messages' steps were removed */
export async function sweepSteps(
  { broker, steps, operationStreams }: SweepParts,
  isWaiting: (id: number) => boolean,
  old: number,
  signal?: AbortSignal,
): Promise<number> {
  const untouched = await steps.untouchedSince(Date.now() - old, signal);
  const ended = new Set([...untouched].filter((id) => !isWaiting(id)));
  if (ended.size === 0) return 0;
  const skipped = new Set(operationStreams());
  for await (const stream of broker.manager.streams.names(broker.names.everything)) {
    if (!broker.names.isQueue(stream) || skipped.has(stream)) continue;
    for (const id of await openIn(broker, stream)) ended.delete(id);
  }
  let removed = 0;
  for (const id of ended) {
    // it may have begun to wait meanwhile
    if (isWaiting(id)) continue;
    await steps.forget(id);
    removed += 1;
  }
  return removed;
}

/** What lies in a queue and is not acknowledged. */
async function openIn(broker: Broker, stream: string): Promise<ReadonlySet<number>> {
  const consumers = await broker.manager.consumers.list(stream).next();
  const worker = consumers.find(({ name }) => name === WORKER);
  return idsFrom(broker, stream, (worker?.ack_floor.stream_seq ?? 0) + 1);
}
