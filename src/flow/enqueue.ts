import type { Broker } from '../broker/broker.ts';
import { envelopeHeaders } from '../broker/envelope.ts';
import type { Journal } from '../broker/journal.ts';
import type { LegRecord } from '../message/record.ts';
import type { Leg } from './route.ts';

export interface Storing {
  readonly broker: Broker;
  readonly journal: Journal;
}

export interface Stored {
  /** Every queue had each of these messages already: the whole was a repetition. */
  readonly duplicate: boolean;
}

const NOTHING = new Uint8Array(0);

/**
 * Stores all legs: queued ones in their queues, settled ones in the journal, suspended ones also in
 * the suspended stream. Publishes in the order of the legs before it returns, so that calls made one
 * after the other are stored in that order. Rejects if anything was not stored; doing it again with
 * the same keys then stores only what is missing.
 */
export function enqueue({ broker, journal }: Storing, legs: readonly Leg[]): Promise<Stored> {
  const { names } = broker;
  const stored: Promise<{ duplicate: boolean } | undefined>[] = [];
  let journaled: Leg | undefined;
  for (const leg of legs) {
    const { message, bodyRef, key, queue, settled } = leg;
    const body = leg.body.inline ?? NOTHING;
    if (queue !== undefined) {
      const { subject } = names.queue(message.target, queue.partition);
      const headers = envelopeHeaders(message, {
        bodyRef,
        accepted: message.parentId === undefined,
      });
      stored.push(broker.publisher.publish(subject, body, { headers, msgID: key }));
      continue;
    }
    if (settled?.status === 'suspended') {
      const headers = envelopeHeaders(message, { bodyRef });
      stored.push(
        broker.publisher
          .publish(names.suspended.subject(message.target), body, { headers, msgID: `s.${key}` })
          .then(() => undefined),
      );
    }
    const same = journaled !== undefined && journaled.body === leg.body ? journaled : undefined;
    journaled = leg;
    stored.push(
      journal
        .append({
          record: legRecord(leg, same?.message.id),
          body: same === undefined && bodyRef === undefined ? leg.body.inline : undefined,
        })
        .then(() => undefined),
    );
  }
  return Promise.all(stored).then((results) => {
    const queued = results.filter((result) => result !== undefined);
    return { duplicate: queued.length > 0 && queued.every(({ duplicate }) => duplicate) };
  });
}

function legRecord({ message, bodyRef, settled }: Leg, sameBodyAs: number | undefined): LegRecord {
  return {
    kind: 'leg',
    message,
    status: settled?.status ?? 'completed',
    started: settled?.started ?? message.created,
    done: settled?.done ?? message.created,
    explain: settled?.explain,
    error: settled?.error,
    bodyRef,
    sameBodyAs,
  };
}
