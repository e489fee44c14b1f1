import type { BatchBrief, CloseBatch } from '../control/orders.ts';
import { EngineError } from '../error/engine-error.ts';
import {
  type Batch,
  type Batches,
  batchPlace,
  type ClosedBatch,
  changeBatches,
  sizeOf,
} from '../flow/batch.ts';
import { wakeAtOnce } from '../flow/collect.ts';
import { systemClock } from '../time/clock.ts';
import { pause } from '../time/pause.ts';
import type { Engine } from './engine.ts';

/** What is collected and not made yet, by host and key. */
export async function batchesOf({ keyed }: Pick<Engine, 'keyed'>): Promise<BatchBrief[]> {
  const found: BatchBrief[] = [];
  for await (const { value, place } of keyed.all<Batches>('batch')) {
    const { host, key } = place;
    const open: (Batch & Partial<Pick<ClosedBatch, 'why'>>)[] =
      value.open === undefined ? [] : [value.open];
    for (const batch of [...value.closed, ...open]) {
      const { parts, since, until, why: closed } = batch;
      found.push({ host, key, parts: parts.length, bytes: sizeOf(batch), since, until, closed });
    }
  }
  return found;
}

/** How long a part that is just being stored is waited for, in milliseconds. */
const PATIENCE = 5_000;
const LOOK_EVERY = 100;

/** Makes the message of what is collected under a key now, or discards it. Throws NOT_FOUND if there is nothing. */
export async function closeBatch(
  { keyed, waiting, outcomes }: Pick<Engine, 'keyed' | 'waiting' | 'outcomes'>,
  { host, key, discard, by }: CloseBatch,
): Promise<{ readonly parts: number }> {
  const at = systemClock.now();
  let closer: number | undefined;
  let parts = 0;
  await changeBatches(keyed, batchPlace(host, key), (before) => {
    const { open } = before;
    closer = open?.parts[0]?.id;
    parts = open?.parts.length ?? 0;
    if (open === undefined || closer === undefined) return before;
    const discardedBy = discard ? by : undefined;
    return { closed: [...before.closed, { ...open, closer, at, why: 'order', discardedBy }] };
  });
  if (closer === undefined) {
    throw new EngineError('NOT_FOUND', `${host} collects nothing under this key`);
  }
  const what = discard ? 'discarded' : 'released';
  const text = `${parts} collected messages were ${what} by ${by}`;
  await outcomes.append({
    record: { kind: 'host', host, event: `batch-${what}`, level: 'info', at, text, by },
  });
  for (const limit = Date.now() + PATIENCE; !(await wakeAtOnce(waiting, host, closer)); ) {
    if (Date.now() > limit) throw busy();
    await pause(LOOK_EVERY);
  }
  return { parts };
}

const busy = (): EngineError =>
  new EngineError(
    'QUEUE_UNAVAILABLE',
    'messages come for this key all the time, or their host is stopped; it is made within 20 minutes of being on',
    { retryable: true },
  );
