import { timeOfId } from '../message/id.ts';
import type { Envelope } from '../message/message.ts';
import type { AttemptRecord, HostRecord, JournalEntry } from '../message/record.ts';
import {
  type Fact,
  type Folded,
  factOfAttempt,
  factOfLeg,
  factOfMessage,
  factOfOutcome,
  factOfWait,
  fold,
  wholeTime,
} from './fold.ts';
import type { MessageState, Settlement } from './message-state.ts';
import { branchOf, type ScopeId, scopeOf } from './scope.ts';
import type { SearchKey, TraceInput } from './trace-input.ts';

/** What a store already knows, and how it numbers bodies. Only called for messages of the batch. */
export interface BatchStore {
  state(id: number): MessageState | undefined;
  /** Earlier outcomes of the message. */
  past(id: number): readonly Settlement[];
  /** Stores a body once per session and returns its number. */
  body(sessionId: number, body: BodySource): number;
}

/** Bytes, or the object store's key of a large body with its size. */
export type BodySource =
  | { readonly bytes: Uint8Array }
  | { readonly ref: string; readonly size: number };

/** What a batch changes, to be written in one transaction. Everything else in it was already known. */
export interface BatchChanges {
  readonly messages: readonly MessageState[];
  /** The current state of every message in the batch, including those without anything new. */
  readonly standing: readonly MessageState[];
  /** The session of each of `messages` that is a new row. */
  readonly added: readonly number[];
  readonly attempts: readonly AttemptRecord[];
  readonly past: readonly PastChange[];
  readonly keys: readonly ScopedKey[];
  readonly events: readonly HostRecord[];
  readonly statistics: readonly StatisticChange[];
}

/** A search key of a message of this session, by which its scope is found. */
export interface ScopedKey {
  readonly sessionId: number;
  readonly scope: ScopeId;
  readonly key: SearchKey;
}

/** An outcome that another one replaced. */
export interface PastChange {
  readonly id: number;
  readonly sessionId: number;
  readonly settlement: Settlement;
}

export interface StatisticChange {
  /** Minutes since 1970. */
  readonly minute: number;
  readonly host: string;
  in: number;
  out: number;
  errors: number;
  bytes: number;
  latency: number;
  latencyMax: number;
}

/** Folds a batch into what the store knows: the part of `apply` that all stores share. */
export function foldBatch(inputs: readonly TraceInput[], store: BatchStore): BatchChanges {
  const known = new Map<number, MessageState | undefined>();
  const changed = new Map<number, MessageState>();
  const past = new Map<number, Settlement[]>();
  const attempts: AttemptRecord[] = [];
  const keys = new Map<string, BatchChanges['keys'][number]>();
  const events: HostRecord[] = [];
  const statistics = new StatisticChanges();
  const fell: PastChange[] = [];

  const take = (fact: Fact): void => {
    const { id } = fact;
    if (!known.has(id)) known.set(id, store.state(id));
    const before = changed.get(id) ?? known.get(id);
    const earlier = before?.settlement === undefined ? [] : pastOf(id);
    const folded = fold(before, fact, earlier);
    if (folded.state !== before) changed.set(id, folded.state);
    if (folded.past !== undefined) {
      fell.push({ id, sessionId: fact.sessionId, settlement: folded.past });
      pastOf(id).push(folded.past);
    }
    statistics.count(folded);
  };
  const pastOf = (id: number): Settlement[] => {
    const list = past.get(id) ?? [...store.past(id)];
    past.set(id, list);
    return list;
  };

  for (const input of inputs) {
    const sessionId = sessionOf(input);
    const scope = scopeOfInput(input, sessionId);
    // the legs of a scope mostly have the same ones
    for (const key of input.keys ?? [])
      keys.set(`${scope} ${key.name} ${key.value}`, { sessionId, scope, key });
    if (input.kind === 'entry' && input.entry.record.kind === 'host') {
      events.push({ ...input.entry.record, at: wholeTime(input.entry.record.at) });
      continue;
    }
    if (input.kind === 'entry' && input.entry.record.kind === 'attempt') {
      const { record } = input.entry;
      attempts.push({ ...record, at: wholeTime(record.at), next: wholeTime(record.next) });
    }
    const fact = factOf(input, store);
    if (fact !== undefined) take(fact);
  }
  return {
    messages: [...changed.values()],
    standing: [...known].flatMap(([id, before]) => changed.get(id) ?? before ?? []),
    added: [...changed.values()]
      .filter(({ id }) => known.get(id) === undefined)
      .map(({ sessionId }) => sessionId),
    attempts,
    past: fell,
    keys: [...keys.values()],
    events,
    statistics: statistics.list(),
  };
}

/** The session of an input, which determines the day. A host's event has none: its time determines the day. */
export function sessionOf(input: TraceInput): number {
  if (input.kind === 'message') return input.envelope.sessionId;
  const { record } = input.entry;
  if (record.kind === 'host') return 0;
  return record.kind === 'leg' ? record.message.sessionId : record.sessionId;
}

/** The scope of the message of an input. */
function scopeOfInput(input: TraceInput, sessionId: number): ScopeId {
  const envelope = envelopeOf(input);
  return envelope === undefined ? sessionId : scopeOf({ sessionId, branch: branchOf(envelope) });
}

function envelopeOf(input: TraceInput): Envelope | undefined {
  if (input.kind === 'message') return input.envelope;
  const { record } = input.entry;
  return record.kind === 'leg' ? record.message : undefined;
}

/** The message an input is about; undefined for a host's event. */
export function messageOf(input: TraceInput): number | undefined {
  if (input.kind === 'message') return input.envelope.id;
  const { record } = input.entry;
  if (record.kind === 'host') return undefined;
  return record.kind === 'leg' ? record.message.id : record.id;
}

/** The body of an input: that of its message, or of the reply. */
export function bodyOf(input: TraceInput): BodySource | undefined {
  if (input.kind === 'entry') return bodyOfEntry(input.entry);
  if (input.body !== undefined) return { bytes: input.body };
  if (input.bodyRef === undefined) return undefined;
  return { ref: input.bodyRef, size: input.envelope.size };
}

function bodyOfEntry({ record, body }: JournalEntry): BodySource | undefined {
  if (record.kind !== 'leg' && record.kind !== 'outcome') return undefined;
  if (body !== undefined) return { bytes: body };
  if (record.kind === 'outcome' || record.bodyRef === undefined) return undefined;
  return { ref: record.bodyRef, size: record.message.size };
}

function factOf(input: TraceInput, store: BatchStore): Fact | undefined {
  const source = bodyOf(input);
  const body = source === undefined ? undefined : store.body(sessionOf(input), source);
  if (input.kind === 'message') return factOfMessage(input, body);
  const { record } = input.entry;
  switch (record.kind) {
    case 'leg':
      return factOfLeg(record, body);
    case 'attempt':
      return factOfAttempt(record);
    case 'wait':
      return factOfWait(record);
    case 'outcome':
      return factOfOutcome(record, body);
    case 'host':
    default:
      return undefined;
  }
}

/** Collects roll-ups. Each arrival and each reported outcome is counted once, in the minute it happened. */
class StatisticChanges {
  readonly #changes = new Map<string, StatisticChange>();

  count({ state, arrived, settled }: Folded): void {
    if (arrived && state.envelope !== undefined) this.#arrival(state.envelope);
    if (settled?.done === undefined) return;
    const change = this.#at(settled.done, state.host);
    const failed = settled.status === 'error' || settled.status === 'suspended';
    const latency = Math.max(0, settled.done - timeOfId(state.id));
    if (failed) change.errors++;
    else change.out++;
    change.latency += latency;
    change.latencyMax = Math.max(change.latencyMax, latency);
  }

  list(): StatisticChange[] {
    return [...this.#changes.values()];
  }

  /**
   * A message that begins its session came to its service from outside: it counts as in and, with
   * its first leg, as out.
   */
  #arrival({
    created,
    source,
    target,
    size,
    parentId,
  }: NonNullable<MessageState['envelope']>): void {
    const to = this.#at(created, target);
    to.in++;
    to.bytes += size;
    if (parentId !== undefined) return;
    const from = this.#at(created, source);
    from.in++;
    from.out++;
    from.bytes += size;
  }

  #at(time: number, host: string): StatisticChange {
    const minute = Math.floor(time / 60_000);
    const key = `${minute} ${host}`;
    const change = this.#changes.get(key) ?? {
      minute,
      host,
      in: 0,
      out: 0,
      errors: 0,
      bytes: 0,
      latency: 0,
      latencyMax: 0,
    };
    this.#changes.set(key, change);
    return change;
  }
}
