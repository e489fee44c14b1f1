import { hash } from 'node:crypto';
import { JetStreamApiError, type JsMsg, type StoredMsg } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { EngineError } from '../error/engine-error.ts';
import { tolerate } from '../error/foreseen.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';
import { openBucket } from './bucket.ts';
import { readStream } from './read-stream.ts';

/**
 * What belongs to a key and not to one message: shared state, who waits for a message, and what is
 * collected. Each entry changes by compare-and-set, so that any number of engines may change it.
 */
export interface Keyed {
  read<Value>(place: KeyedPlace): Promise<KeyedEntry<Value>>;
  /**
   * Replaces what was read, or removes it if there is no value. Resolves to its new revision, or to undefined if it has
   * changed meanwhile; whoever called then reads again.
   */
  replace<Value>(
    place: KeyedPlace,
    before: KeyedEntry<Value>,
    value: Value | undefined,
  ): Promise<number | undefined>;
  /** All entries of one kind, in the order of their last change. */
  all<Value>(kind: KeyedKind, signal?: AbortSignal): AsyncGenerator<KeyedFound<Value>>;
}

export type KeyedKind = 'state' | 'batch' | 'piece' | 'mail' | 'grant' | 'era' | 'used' | 'record';

/** The key is any text, such as an order number; only its hash is part of a name in NATS. */
export interface KeyedPlace {
  readonly kind: KeyedKind;
  /** The host that it belongs to; `production` for all. */
  readonly host: string;
  readonly key: string;
}

export interface KeyedEntry<Value> {
  readonly value: Value | undefined;
  /** 0 if there has never been one. */
  readonly revision: number;
}

export interface KeyedFound<Value> extends KeyedEntry<Value> {
  readonly value: Value;
  readonly place: KeyedPlace;
}

interface Written {
  readonly host: string;
  readonly key: string;
  readonly value: unknown;
}

/** The server's code for an entry that somebody else has changed. */
const CHANGED: ReadonlySet<number> = new Set([10_071, 10_164]);

/** Whether a write was refused because what it replaces is not what was expected. */
export const isChanged = (error: unknown): boolean =>
  error instanceof JetStreamApiError && CHANGED.has(error.code);

const REMOVED = 'KV-Operation';

/** How many changes behind the end of a listing are read at least. */
const CHANGED_MEANWHILE = 10_000;
/** Letters of a key's digest that are not needed to tell it apart from others of its host in one listing. */
const NEEDLESS = 31;

/** Creates the bucket. */
export async function ensureKeyed(broker: Broker): Promise<void> {
  await openBucket(broker, broker.names.keyed);
}

export function keyed(broker: Broker): Keyed {
  const { jetstream, manager, names } = broker;
  const stream = `KV_${names.keyed}`;
  const subjectOf = ({ kind, host, key }: KeyedPlace): string =>
    `$KV.${names.keyed}.${kind}.${host}.${hash('sha256', key, 'base64url')}`;
  return {
    async read<Value>(place: KeyedPlace): Promise<KeyedEntry<Value>> {
      // from the leader: a copy may lag behind what this engine has just written
      const stored = await manager.streams.getMessage(stream, { last_by_subj: subjectOf(place) });
      return stored === null ? { value: undefined, revision: 0 } : entryOf<Value>(stored);
    },
    async replace({ host, key, kind }, { revision }, value) {
      const expect = { lastSubjectSequence: revision };
      const subject = subjectOf({ host, key, kind });
      try {
        if (value !== undefined) {
          const written: Written = { host, key, value };
          return (await jetstream.publish(subject, JSON.stringify(written), { expect })).seq;
        }
        const mark = headers();
        mark.set(REMOVED, 'DEL');
        const { seq } = await jetstream.publish(subject, '', { expect, headers: mark });
        // the mark itself; whatever was stored after it has another number and stays
        await manager.streams
          .deleteMessage(stream, seq, false)
          .catch((error: unknown) => tolerate(error, isAway, 'removing the mark of a removal'));
        return seq;
      } catch (error) {
        if (isChanged(error)) return undefined;
        throw error;
      }
    },
    async *all<Value>(kind: KeyedKind, signal?: AbortSignal): AsyncGenerator<KeyedFound<Value>> {
      const { state } = await manager.streams.info(stream);
      if (state.messages === 0) return;
      const subject = `$KV.${names.keyed}.${kind}.>`;
      const { last_seq: end } = state;
      const until = end + Math.max(state.messages, CHANGED_MEANWHILE);
      // what is changed while this reads is stored anew behind the end: unread, it would be missing
      const read = new Set<string>();
      const span = { from: state.first_seq, until, subject, signal };
      for await (const stored of readStream(broker, stream, span)) {
        const name = stored.subject.slice(subject.length - 1, -NEEDLESS);
        if (stored.seq > end && read.has(name)) continue;
        read.add(name);
        const { value, revision } = entryOf<Value>(stored);
        if (value === undefined) continue;
        const { host, key } = stored.json<Written>();
        yield { value, revision, place: { kind, host, key } };
      }
    },
  };
}

/** How often a change is tried while others change the same entry. */
const TRIES = 500;

/** What an entry becomes. */
export interface EntryChange<Value> {
  readonly after: Value;
  readonly isEmpty: boolean;
}

/**
 * Changes an entry until no other engine was faster, and resolves to what it is then. `change` gets
 * undefined if there is none, and the revision that it replaces; it may return the same object to
 * change nothing. Throws QUEUE_UNAVAILABLE if others were faster each time.
 */
export async function changeEntry<Value>(
  entries: Pick<Keyed, 'read' | 'replace'>,
  place: KeyedPlace,
  change: (
    before: Value | undefined,
    revision: number,
  ) => EntryChange<Value> | Promise<EntryChange<Value>>,
): Promise<Value> {
  for (let tries = 0; tries < TRIES; tries++) {
    const entry = await entries.read<Value>(place);
    const { after, isEmpty } = await change(entry.value, entry.revision);
    if (after === entry.value || (isEmpty && entry.value === undefined)) return after;
    if (await entries.replace(place, entry, isEmpty ? undefined : after)) return after;
  }
  throw new EngineError('QUEUE_UNAVAILABLE', 'too many messages come for one key at once', {
    retryable: true,
  });
}

function entryOf<Value>(stored: JsMsg | StoredMsg): KeyedEntry<Value> {
  const given = 'header' in stored ? stored.header : stored.headers;
  if ((given?.get(REMOVED) ?? '') !== '') return { value: undefined, revision: stored.seq };
  // only `replace` writes entries
  return { value: stored.json<Written>().value as Value, revision: stored.seq };
}
