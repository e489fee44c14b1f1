import type { MsgHdrs } from '@nats-io/transport-node';
import { isAway } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import { envelopeHeaders, readEnvelope } from '../broker/envelope.ts';
import type { HandOffs } from '../broker/hand-offs.ts';
import type { Journal } from '../broker/journal.ts';
import { type EncodedEntry, encodeEntry, joinEntries } from '../broker/journal-batch.ts';
import { isEngineError } from '../error/engine-error.ts';
import { unless } from '../error/foreseen.ts';
import type { Events } from '../log/events.ts';
import type { Message } from '../message/message.ts';
import type { JournalEntry, LegRecord } from '../message/record.ts';
import { type Leg, ownBodies } from './route.ts';

export interface Storing {
  readonly broker: Broker;
  readonly journal: Journal;
  readonly halfStored: HalfStored;
  readonly handOffs: HandOffs;
  /** See `Routing`. */
  readonly drop: (bodyRef: string) => void;
  /** Called for each leg that was settled while it was routed. */
  readonly events: Pick<Events, 'settled'>;
}

export interface Stored {
  /** Every queue already had all of these messages: everything was a repetition. */
  readonly duplicate: boolean;
  /** For a repetition: the session of what was stored before, if it is still there. */
  readonly originalSession?: number | undefined;
}

interface Publication {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs;
  readonly key: string;
  readonly queued: boolean;
  /** What may be handed over to the line of its target. */
  readonly message?: Message | undefined;
  /** The large bodies that it refers to. */
  readonly bodyRefs: readonly string[];
}

interface Result {
  readonly queued: boolean;
  readonly duplicate: boolean;
  readonly place?: { readonly stream: string; readonly sequence: number } | undefined;
}

const NOTHING = new Uint8Array(0);

/**
 * Stores all legs: queued ones in their queues, suspended ones in the suspended stream, and the
 * records of settled ones (into inline processes) with the first queue message, or in the journal
 * if there is none. So a message routed to one target costs one publish, and its legs are stored
 * together with it or not at all.
 *
 * Publishes in the order of the legs before it returns, so that consecutive calls are stored in
 * order. Only if a queue was full is that queue tried first and alone, so that a message which is
 * sent again and again does not go to the other targets each time. Rejects if anything was not
 * stored; calling it again with the same keys then stores only what is missing.
 *
 * The large bodies stored for these legs are removed again if nothing that refers to them was
 * stored, because it was refused or already there: legs are stored once, and routed again for
 * another try.
 *
 * @param made further bodies stored only for these legs
 */
export async function enqueue(
  parts: Storing,
  legs: readonly Leg[],
  made: readonly string[] = [],
): Promise<Stored> {
  const unused = new Set([...made, ...ownBodies(legs)]);
  try {
    return await storeAll(parts, legs, unused);
  } finally {
    for (const bodyRef of unused) parts.drop(bodyRef);
  }
}

/** @param unused bodies to which nothing is known to refer; a leg that may be stored takes its own out */
async function storeAll(
  parts: Storing,
  legs: readonly Leg[],
  unused: Set<string>,
): Promise<Stored> {
  const { publications, entries } = written(parts, legs);
  const { full } = parts.halfStored;
  const isBlocked = ({ subject }: Publication): boolean => full.has(subject);
  const blocked = full.size === 0 ? [] : publications.filter(isBlocked);
  // before anything is published, which changes it
  const others =
    blocked.length === 0 ? publications : publications.filter((one) => !isBlocked(one));
  const first = blocked.length === 0 ? [] : await publish(parts, unused, blocked);
  const rest = await publish(parts, unused, others, entries);
  const queued = [...first, ...rest].filter((result) => result.queued);
  const duplicate = queued.length > 0 && queued.every((result) => result.duplicate);
  parts.halfStored.forget(publications.map(({ key }) => key));
  if (!duplicate) for (const leg of legs) tell(parts, leg);
  return duplicate
    ? { duplicate, originalSession: await originalSession(parts, queued) }
    : { duplicate };
}

/** JetStream's acknowledgement of a repetition says where the first one is stored. */
async function originalSession(
  { broker }: Storing,
  results: readonly Result[],
): Promise<number | undefined> {
  const place = results.find((result) => result.place !== undefined)?.place;
  if (place === undefined) return undefined;
  const first = await broker.manager.direct
    .getMessage(place.stream, { seq: place.sequence })
    .catch(unless(isAway, 'looking for what a message repeats'));
  return first ? readEnvelope(first.header).sessionId : undefined;
}

function tell({ events }: Storing, { message, settled }: Leg): void {
  if (settled === undefined) return;
  const { status, started, done } = settled;
  events.settled(message.target, message, status, {
    sending: done - started,
    total: done - message.received,
  });
}

/** What has to be published, in order, and the records for the journal if nothing is queued. */
function written(
  { broker: { names } }: Storing,
  legs: readonly Leg[],
): { publications: Publication[]; entries: readonly JournalEntry[] } {
  const publications: Publication[] = [];
  let entries: readonly JournalEntry[] = entriesOf(legs);
  for (const { message, body, bodyRef, key, queue, settled } of legs) {
    const bytes = body.inline ?? NOTHING;
    if (queue !== undefined) {
      const { attached, rode, left } = riding(entries);
      const bodyRefs = [...(bodyRef === undefined ? [] : [bodyRef]), ...bodyRefsOf(rode)];
      entries = left;
      publications.push({
        subject: names.queue(message.target, queue.partition, queue.generation).subject,
        payload: attached === undefined ? bytes : Buffer.concat([bytes, attached]),
        headers: envelopeHeaders(message, {
          bodyRef,
          accepted: message.parentId === undefined,
          attached: attached?.byteLength,
        }),
        key,
        queued: true,
        message:
          bodyRef === undefined ? { ...message, possibleDuplicate: undefined, body } : undefined,
        bodyRefs,
      });
    } else if (settled?.status === 'suspended') {
      publications.push({
        subject: names.suspended.subject(message.target),
        payload: bytes,
        headers: envelopeHeaders(message, { bodyRef }),
        key: `s.${key}`,
        queued: false,
        bodyRefs: bodyRef === undefined ? [] : [bodyRef],
      });
    }
  }
  return { publications, entries };
}

/**
 * How many bytes of records one message carries besides its body, within the limit of NATS: a
 * message split into thousands has more of them, which the following messages carry.
 */
const RIDING = 512 * 1024;

function riding(entries: readonly JournalEntry[]): {
  readonly attached: Buffer | undefined;
  readonly rode: readonly JournalEntry[];
  readonly left: readonly JournalEntry[];
} {
  if (entries.length === 0) return { attached: undefined, rode: entries, left: entries };
  const encoded: EncodedEntry[] = [];
  let size = 0;
  for (const entry of entries) {
    const one = encodeEntry(entry);
    size += one.size;
    if (size > RIDING && encoded.length > 0) break;
    encoded.push(one);
  }
  return {
    attached: joinEntries(encoded),
    rode: entries.slice(0, encoded.length),
    left: entries.slice(encoded.length),
  };
}

async function publish(
  { broker, journal, halfStored, handOffs }: Storing,
  unused: Set<string>,
  publications: readonly Publication[],
  entries: readonly JournalEntry[] = [],
): Promise<Result[]> {
  const stored: string[] = [];
  const published = publications.map(async (one): Promise<Result> => {
    const { subject, payload, headers, key, queued, message, bodyRefs } = one;
    const use = (): void => bodyRefs.forEach((bodyRef) => unused.delete(bodyRef));
    if (halfStored.isStored(key)) {
      stored.push(key);
      return { queued, duplicate: true };
    }
    try {
      const { duplicate, stream, sequence } = await broker.publisher.publish(subject, payload, {
        headers,
        msgID: key,
      });
      if (!duplicate && message !== undefined) handOffs.offer(stream, sequence, message);
      stored.push(key);
      if (!duplicate) use();
      if (halfStored.full.size > 0) halfStored.full.delete(subject);
      return { queued, duplicate, place: duplicate ? { stream, sequence } : undefined };
    } catch (error) {
      if (isEngineError(error) && error.code === 'QUEUE_FULL') halfStored.full.add(subject);
      // it may be stored, with only the acknowledgement missing
      else use();
      throw error;
    }
  });
  for (const bodyRef of bodyRefsOf(entries)) unused.delete(bodyRef);
  const journaled = entries.map((entry) => journal.append(entry));
  const results = await Promise.allSettled([...published, ...journaled]);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return Promise.all(published);
  halfStored.keep(stored);
  throw failed.reason;
}

const bodyRefsOf = (entries: readonly JournalEntry[]): string[] =>
  entries.flatMap(({ record }) =>
    record.kind === 'leg' && record.bodyRef !== undefined ? [record.bodyRef] : [],
  );

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

/**
 * Remembers tries that stored only some legs of a message, for example because one target's queue
 * is full: those legs are not stored again when the message is repeated. JetStream forgets message
 * ids after the duplicate window, and a queue may be full for longer.
 */
export interface HalfStored {
  isStored(key: string): boolean;
  /** These legs are stored; others of their message are not. */
  keep(keys: readonly string[]): void;
  /** The whole message is stored. */
  forget(keys: readonly string[]): void;
  /** Subjects of queues that accepted nothing at the last try: they are tried before any other leg is stored. */
  readonly full: Set<string>;
}

/** Milliseconds for which a leg is remembered after the last try of its message. */
const WINDOW = 3_600_000;
/**
 * Legs of all messages, some 100 MB: senders that repeat messages of 100,000 parts each in turn would otherwise forget one
 * another's, and parts be stored twice once JetStream has forgotten them as well.
 */
const LIMIT = 1_000_000;

export function halfStoredLegs(window = WINDOW, limit = LIMIT): HalfStored {
  const kept = new Map<string, number>();
  return {
    full: new Set(),
    isStored(key) {
      const at = kept.get(key);
      return at !== undefined && performance.now() - at <= window;
    },
    keep(keys) {
      const now = performance.now();
      for (const key of keys) {
        kept.delete(key);
        kept.set(key, now);
      }
      // of one message none may be forgotten, however many it has: each try would store those once more
      const most = Math.max(limit, keys.length);
      for (const [old, at] of kept) {
        if (kept.size <= most && now - at <= window) break;
        kept.delete(old);
      }
    },
    forget(keys) {
      if (kept.size > 0) for (const key of keys) kept.delete(key);
    },
  };
}
