import { isAway } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import { envelopeHeaders } from '../broker/envelope.ts';
import type { Journal } from '../broker/journal.ts';
import type { Taken } from '../broker/queue.ts';
import type { JournalEntry, OutcomeRecord } from '../message/record.ts';
import { orAbort } from '../time/or-abort.ts';
import { pause } from '../time/pause.ts';
import type { SettledMemory } from './settled-memory.ts';

export interface Settling {
  readonly broker: Broker;
  readonly outcomes: Journal;
  readonly settled: SettledMemory;
  readonly patience: Patience;
}

/**
 * Ends a queued message: its outcome goes to the journal and the message leaves its queue.
 *
 * A completed message is acknowledged at once while its outcome is being stored: an acknowledgement
 * without an outcome therefore proves completion, and the projector completes what a crash left
 * open below the acknowledge floor. Any other outcome is stored first. Waiting for both in every
 * case was rejected, since it puts a disk sync between two messages of a FIFO queue. A message
 * whose process waited was acknowledged before, so its outcome is stored first.
 *
 * @returns resolves once the outcome is stored
 */
export async function settle(
  parts: Settling,
  taken: Taken,
  outcome: Omit<OutcomeRecord, 'kind' | 'id' | 'sessionId'>,
  replyBody?: Uint8Array,
): Promise<void> {
  const { message } = taken;
  const entry: JournalEntry = {
    record: { kind: 'outcome', id: message.id, sessionId: message.sessionId, ...outcome },
    body: replyBody,
  };
  const acknowledge = (): void => {
    parts.settled.add(message.id, taken.acknowledgeAt);
    taken.acknowledge();
  };
  if (outcome.status === 'completed' && !taken.woken) {
    const stored = untilStored(() => parts.outcomes.append(entry), parts.patience);
    acknowledge();
    return stored;
  }
  if (outcome.status === 'suspended')
    await untilStored(() => suspend(parts.broker, taken), parts.patience);
  await untilStored(() => parts.outcomes.append(entry), parts.patience);
  acknowledge();
}

async function suspend(broker: Broker, { message, bodyRef }: Taken): Promise<void> {
  const body = message.body.inline ?? new Uint8Array(0);
  const headers = envelopeHeaders(message, { bodyRef });
  await broker.publisher.publish(broker.names.suspended.subject(message.target), body, {
    headers,
    msgID: `s.${message.id}`,
  });
}

/** How long to keep trying to store something, and what to call meanwhile. */
export interface Patience {
  /** Aborts when there is no more time, during a stop: the message then stays in its queue. */
  readonly signal: AbortSignal;
  /** Called for each failed try. */
  readonly onRefused: (error: unknown) => void;
  /** Called when it has finally been stored. */
  readonly onStored: () => void;
}

/**
 * An effect outside cannot be undone, so its outcome is retried until NATS accepts it or the signal
 * aborts. An error that is not an outage is thrown, since it would only repeat.
 */
export async function untilStored(
  store: () => Promise<void>,
  { signal, onRefused, onStored }: Patience,
): Promise<void> {
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted();
    try {
      await orAbort(store(), signal);
      if (tries > 0) onStored();
      return;
    } catch (error) {
      if (signal.aborted || !isAway(error)) throw error;
      onRefused(error);
      await pause(Math.min(100 * 2 ** tries, 5_000), signal);
    }
  }
}
