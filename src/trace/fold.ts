import type { Envelope } from '../message/message.ts';
import type { AttemptRecord, LegRecord, OutcomeRecord, WaitRecord } from '../message/record.ts';
import type { MessageState, Settlement } from './message-state.ts';
import { branchOf } from './scope.ts';
import { isSetAside, type MessageInput, type QueuePlace, WAITING } from './trace-input.ts';

/** One fact about one message. */
export interface Fact extends Omit<MessageState, 'attempts'> {
  readonly attempts?: number | undefined;
}

/**
 * Times are whole milliseconds in the trace. A delay that grows by a factor is not, and a store
 * that refused such a number would be stuck for ever.
 */
export function wholeTime(time: number): number {
  return Number.isFinite(time) ? Math.round(time) : 0;
}

export function factOfMessage(input: MessageInput, body: number | undefined): Fact {
  const { envelope } = input;
  return {
    ...factOfEnvelope(envelope),
    queue: input.queue,
    body,
    note: input.warning,
    settlement: input.status === 'suspended' ? { status: 'suspended' } : undefined,
  };
}

export function factOfLeg(leg: LegRecord, body: number | undefined): Fact {
  return {
    ...factOfEnvelope(leg.message),
    body,
    sameBodyAs: leg.sameBodyAs,
    duplicateOf: leg.duplicateOf,
    settlement: {
      status: leg.status,
      started: wholeTime(leg.started),
      done: wholeTime(leg.done),
      explain: leg.explain,
      error: leg.error,
    },
  };
}

export function factOfAttempt({ id, sessionId, host, attempt, at, error }: AttemptRecord): Fact {
  return { id, sessionId, host, attempts: attempt, lastTry: { at: wholeTime(at), error } };
}

/** It has left its queue permanently, so the queue's acknowledgements no longer say anything about it. */
export function factOfWait({ id, sessionId, host, sequence }: WaitRecord): Fact {
  return { id, sessionId, host, queue: { stream: WAITING, sequence } };
}

export function factOfOutcome(
  { kind: _, id, sessionId, host, attempts, possibleDuplicate, reply, ...ending }: OutcomeRecord,
  replyBody: number | undefined,
): Fact {
  return {
    id,
    sessionId,
    host,
    attempts,
    possibleDuplicate,
    settlement: {
      ...ending,
      started: wholeTime(ending.started),
      done: wholeTime(ending.done),
      reply: reply && { ...reply, body: replyBody },
    },
  };
}

function factOfEnvelope(given: Envelope): Fact {
  const { id, sessionId, target, possibleDuplicate, created, received, size } = given;
  const envelope = {
    ...given,
    created: wholeTime(created),
    received: wholeTime(received),
    size: wholeTime(size),
    branch: branchOf(given),
  };
  return { id, sessionId, host: target, envelope, possibleDuplicate };
}

/** What a fact changed. `state` is the given one if it changed nothing. */
export interface Folded {
  readonly state: MessageState;
  /** An outcome that is no longer, or never became, the current one. */
  readonly past?: Settlement | undefined;
  /** The fact contained the message itself for the first time. */
  readonly arrived: boolean;
  /** A reported outcome that was not known before, which statistics count. */
  readonly settled?: Settlement | undefined;
}

/**
 * Folds a fact into what is known. Any order and any repetition of the same facts gives the same
 * state: each part takes the one that is first in a fixed order (`compare`), never the one that
 * came last. `past` are the earlier outcomes of this message, to distinguish a repeated one from a
 * new one.
 */
export function fold(
  before: MessageState | undefined,
  fact: Fact,
  past: readonly Settlement[] = [],
): Folded {
  const { id, sessionId, host, settlement } = fact;
  const known = before ?? { id, sessionId, host, attempts: 0 };
  const said = foldSaid(known, fact);
  const arrived = known.envelope === undefined && fact.envelope !== undefined;
  if (settlement === undefined) return { ...changed(before, said), arrived };
  const { stands, fell } = foldSettlement(known.settlement, settlement);
  const state = { ...said, settlement: stands, lastTry: undefined };
  return {
    ...changed(before, state),
    arrived,
    past: fell !== undefined && isReported(fell) ? fell : undefined,
    settled: isNews(settlement, known.settlement, past) ? settlement : undefined,
  };
}

/** Keeps the same state if nothing has changed, so that it is not written again. */
function changed(before: MessageState | undefined, state: MessageState): { state: MessageState } {
  return { state: before !== undefined && equalParts(before, state) ? before : state };
}

/**
 * Whether statistics should count it: reported, not known before, and not correctly presumed before
 * it was reported.
 */
function isNews(
  next: Settlement,
  known: Settlement | undefined,
  past: readonly Settlement[],
): boolean {
  if (!isReported(next) || isSame(known, next)) return false;
  if (known?.presumed === true && next.status === known.status) return false;
  return !past.some((other) => isSame(other, next));
}

/** Everything except the settlement. */
function foldSaid(known: MessageState, fact: Fact): MessageState {
  return {
    id: known.id,
    sessionId: known.sessionId,
    host: known.host,
    envelope: known.envelope ?? fact.envelope,
    queue: placeOf(known.queue, fact.queue),
    body: known.body ?? fact.body,
    sameBodyAs: known.sameBodyAs ?? fact.sameBodyAs,
    attempts: Math.max(known.attempts, fact.attempts ?? 0),
    lastTry: known.settlement === undefined ? laterTry(known.lastTry, fact.lastTry) : undefined,
    settlement: known.settlement,
    possibleDuplicate: known.possibleDuplicate ?? (fact.possibleDuplicate || undefined),
    duplicateOf: known.duplicateOf ?? fact.duplicateOf,
    note: known.note ?? fact.note,
  };
}

/** The first reported place; once the message has waited outside, that place. */
function placeOf(
  known: QueuePlace | undefined,
  told: QueuePlace | undefined,
): QueuePlace | undefined {
  return !isSetAside(known) && isSetAside(told) ? told : (known ?? told);
}

function laterTry(a: MessageState['lastTry'], b: MessageState['lastTry']): MessageState['lastTry'] {
  if (a === undefined || b === undefined) return a ?? b;
  return b.at > a.at ? b : a;
}

function foldSettlement(
  known: Settlement | undefined,
  next: Settlement,
): { stands: Settlement; fell: Settlement | undefined } {
  if (known === undefined) return { stands: next, fell: undefined };
  if (isSame(known, next)) return { stands: known, fell: undefined };
  return compare(known, next) >= 0 ? { stands: known, fell: next } : { stands: next, fell: known };
}

/**
 * Positive if `a` takes precedence over `b`: a final outcome over a suspension over a presumption,
 * and the later over the earlier.
 */
function compare(a: Settlement, b: Settlement): number {
  return (
    rank(a) - rank(b) ||
    (a.done ?? 0) - (b.done ?? 0) ||
    // two outcomes in one millisecond: any fixed order will do
    a.status.localeCompare(b.status)
  );
}

function rank({ status, presumed }: Settlement): number {
  if (presumed === true) return 0;
  return status === 'suspended' ? 1 : 2;
}

function isSame(a: Settlement | undefined, b: Settlement | undefined): boolean {
  return a?.status === b?.status && a?.done === b?.done && a?.presumed === b?.presumed;
}

/** This excludes a presumption, and the message merely being found among the suspended ones. */
function isReported({ done, presumed }: Settlement): boolean {
  return done !== undefined && presumed !== true;
}

const PARTS = [
  'envelope',
  'queue',
  'body',
  'sameBodyAs',
  'attempts',
  'lastTry',
  'settlement',
  'possibleDuplicate',
  'duplicateOf',
  'note',
] as const satisfies readonly (keyof MessageState)[];

function equalParts(a: MessageState, b: MessageState): boolean {
  return PARTS.every((part) => a[part] === b[part]);
}
