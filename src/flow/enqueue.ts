import type { Broker } from '../broker/broker.ts';
import { envelopeHeaders } from '../broker/envelope.ts';
import type { Journal } from '../broker/journal.ts';
import { encodeEntry, joinEntries } from '../broker/journal-batch.ts';
import type { JournalEntry, LegRecord } from '../message/record.ts';
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
 * Stores all legs: queued ones in their queues, suspended ones in the suspended stream, and the
 * records of settled ones (into inline processes) with the first queue message, or in the journal
 * where there is none. So a message that is routed to one target costs one publish, and its legs are
 * stored together with it or not at all.
 *
 * Publishes in the order of the legs before it returns, so that calls made one after the other are
 * stored in that order. Rejects if anything was not stored; doing it again with the same keys then
 * stores only what is missing.
 */
export function enqueue({ broker, journal }: Storing, legs: readonly Leg[]): Promise<Stored> {
  const { names, publisher } = broker;
  const stored: Promise<{ duplicate: boolean } | undefined>[] = [];
  let entries = entriesOf(legs);
  for (const { message, body, bodyRef, key, queue, settled } of legs) {
    const bytes = body.inline ?? NOTHING;
    if (queue !== undefined) {
      const { subject } = names.queue(message.target, queue.partition);
      const attached = entries.length === 0 ? undefined : joinEntries(entries.map(encodeEntry));
      entries = [];
      const headers = envelopeHeaders(message, {
        bodyRef,
        accepted: message.parentId === undefined,
        attached: attached?.byteLength,
      });
      const payload = attached === undefined ? bytes : Buffer.concat([bytes, attached]);
      stored.push(publisher.publish(subject, payload, { headers, msgID: key }));
    } else if (settled?.status === 'suspended') {
      const headers = envelopeHeaders(message, { bodyRef });
      const subject = names.suspended.subject(message.target);
      stored.push(
        publisher.publish(subject, bytes, { headers, msgID: `s.${key}` }).then(() => undefined),
      );
    }
  }
  stored.push(...entries.map((entry) => journal.append(entry).then(() => undefined)));
  return Promise.all(stored).then((results) => {
    const queued = results.filter((result) => result !== undefined);
    return { duplicate: queued.length > 0 && queued.every(({ duplicate }) => duplicate) };
  });
}

/** The records of settled legs, each body once. */
function entriesOf(legs: readonly Leg[]): JournalEntry[] {
  let before: Leg | undefined;
  return legs.flatMap((leg) => {
    if (leg.queue !== undefined) return [];
    const same = before?.body === leg.body ? before : undefined;
    before = leg;
    const body = same === undefined && leg.bodyRef === undefined ? leg.body.inline : undefined;
    return [{ record: legRecord(leg, same?.message.id), body }];
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
