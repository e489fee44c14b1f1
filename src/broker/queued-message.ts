import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../error/engine-error.ts';
import type { Bodies } from './bodies.ts';
import type { Broker } from './broker.ts';
import { findById } from './find-by-id.ts';
import { PROJECTOR } from './names.ts';
import { type Taken, takenStored } from './queue.ts';
import { queueStreams } from './queue-survey.ts';
import { settledFloor } from './streams.ts';

/** A message in its queue that no engine is working on. */
export interface Queued {
  readonly taken: Taken;
  /** Removes it from the queue, at any position. */
  remove(): Promise<void>;
}

/** Milliseconds that the trace may take to read a message that is to be removed from its queue. */
const TRACED = 10_000;

/**
 * Finds a message in the queue of a host. It is returned only once it is in the trace: a message
 * removed from a stream before the projector has read it would vanish without a trace.
 *
 * @returns undefined if it is no longer waiting there
 */
export async function queuedMessage(
  broker: Broker,
  bodies: Bodies,
  { id, host }: { readonly id: number; readonly host: string },
): Promise<Queued | undefined> {
  const { manager } = broker;
  const streams = await queueStreams(broker);
  for (const { stream } of streams.filter((one) => one.host === host)) {
    const from = ((await settledFloor(broker, stream)) ?? 0) + 1;
    const seq = await findById(broker, stream, { id, from });
    if (seq === undefined) continue;
    await traced(broker, stream, seq);
    const stored = await manager.direct.getMessage(stream, { seq });
    if (stored === null) continue;
    return {
      taken: takenStored(stored, stream, bodies),
      remove: async () => void (await manager.streams.deleteMessage(stream, seq, false)),
    };
  }
  return undefined;
}

async function traced({ manager }: Broker, stream: string, seq: number): Promise<void> {
  for (const end = performance.now() + TRACED; ; ) {
    const { ack_floor } = await manager.consumers.info(stream, PROJECTOR);
    if (ack_floor.stream_seq >= seq) return;
    if (performance.now() > end) {
      throw new EngineError(
        'STORE_UNAVAILABLE',
        'this message is not in the trace yet, so it stays in its queue: is the operator plane running?',
        { retryable: true },
      );
    }
    await sleep(250);
  }
}
