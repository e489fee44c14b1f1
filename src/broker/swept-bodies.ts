import { headers } from '@nats-io/transport-node';
import type { JournalEntry } from '../message/record.ts';
import { decodeAnswer } from './answer-codec.ts';
import type { Broker } from './broker.ts';
import { readEnvelope, splitPayload } from './envelope.ts';
import { decodeBatch } from './journal-batch.ts';
import { readStream } from './read-stream.ts';

export interface Sweep {
  readonly now: number;
  /** Whether the trace refers to a large body. Checked last, since what has left the streams is in the trace. */
  readonly isTraced: (bodyRef: string) => Promise<boolean>;
  readonly signal?: AbortSignal | undefined;
}

export interface Sweeper {
  /**
   * Removes the large bodies to which nothing refers; resolves to how many. Rejects if this is
   * uncertain, without removing any doubtful one.
   */
  sweep(options: Sweep): Promise<number>;
}

export interface SweepTimes {
  /** Milliseconds since a body's last part was written: an engine may still be writing it. Default one day. */
  readonly age: number;
  /**
   * Milliseconds since this process first found that nothing refers to it, since a trace may be
   * misconfigured. Default six hours.
   */
  readonly unused: number;
}

const TIMES: SweepTimes = { age: 86_400_000, unused: 6 * 3_600_000 };

/** A large body that may be unused. */
interface Candidate {
  readonly subject: string;
  readonly bodyRef: string;
  /** When its first part was written. */
  readonly from: number;
}

/**
 * Finds large bodies to which nothing refers, because their engine died before it stored their
 * message, or did not know whether it had. References are in queued messages, suspended messages,
 * journal records, stored answers and the trace.
 */
export function bodySweeper(broker: Broker, { age, unused }: SweepTimes = TIMES): Sweeper {
  const { manager, names } = broker;
  /** When a body was first found to be unused, by subject. */
  let seen = new Map<string, number>();
  return {
    async sweep({ now, isTraced, signal }) {
      const old = await candidates(broker, now - age, signal);
      const before = seen;
      seen = new Map();
      if (old.length === 0) return 0;
      const used = await referredTo(broker, old, signal);
      let removed = 0;
      for (const { subject, bodyRef } of old) {
        signal?.throwIfAborted();
        if (used.has(keyOf(bodyRef)) || (await isTraced(bodyRef))) continue;
        const since = before.get(subject) ?? now;
        if (now - since < unused) {
          seen.set(subject, since);
          continue;
        }
        await manager.streams.purge(names.bodies.stream, { filter: subject });
        removed += 1;
      }
      return removed;
    },
  };
}

const keyOf = (bodyRef: string): string => bodyRef.split('.')[0] ?? '';

async function candidates(
  { manager, names }: Broker,
  until: number,
  signal: AbortSignal | undefined,
): Promise<Candidate[]> {
  const { stream, subjects } = names.bodies;
  const { state } = await manager.streams.info(stream, { subjects_filter: subjects });
  const found: Candidate[] = [];
  for (const subject of Object.keys(state.subjects ?? {})) {
    signal?.throwIfAborted();
    const [first, last] = await Promise.all([
      manager.direct.getMessage(stream, { seq: 1, next_by_subj: subject }),
      manager.direct.getMessage(stream, { last_by_subj: subject }),
    ]);
    if (first === null || last === null || last.time.getTime() > until) continue;
    found.push({
      subject,
      bodyRef: `${subject.slice(subject.lastIndexOf('.') + 1)}.${first.seq}`,
      from: first.time.getTime(),
    });
  }
  return found;
}

/** Keys to which the streams refer. A reference is always stored after its body was begun. */
async function referredTo(
  broker: Broker,
  bodies: readonly Candidate[],
  signal: AbortSignal | undefined,
): Promise<Set<string>> {
  const { manager, names } = broker;
  const since = bodies.reduce((least, { from }) => Math.min(least, from), Number.POSITIVE_INFINITY);
  const used = new Set<string>();
  const note = (bodyRef: string | undefined): void => {
    if (bodyRef !== undefined) used.add(keyOf(bodyRef));
  };
  for await (const stream of manager.streams.names(names.everything)) {
    const read = readerOf(broker, stream);
    if (read !== undefined) await eachSince(broker, { stream, since, signal }, read(note));
  }
  const ofSteps = { stream: `KV_${names.steps}`, since, signal };
  await eachSince(broker, ofSteps, ({ subject, data }) => {
    // the answers to calls are next to the records of steps
    if (subject.endsWith('.answer')) note(storedWith(data));
  });
  const ofAnswers = { stream: `KV_${names.answers}`, since, signal };
  await eachSince(broker, ofAnswers, ({ data }) => note(storedWith(data)));
  return used;
}

interface Raw {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: Parameters<typeof readEnvelope>[0] | undefined;
}

type Note = (bodyRef: string | undefined) => void;

/** How a stream's messages refer to bodies; undefined if they never do. */
function readerOf(
  { names }: Broker,
  stream: string,
): ((note: Note) => (raw: Raw) => void) | undefined {
  const without = [names.bodies.stream, names.outcomes.stream, names.live.stream];
  if (without.includes(stream)) return undefined;
  return (note) =>
    ({ data, headers: given }) => {
      if (stream === names.journal.stream) return noteEntries(decodeBatch(data), note);
      // queues, suspended and waiting messages: every stream with messages
      const { bodyRef, attached } = readEnvelope(given ?? headers());
      note(bodyRef);
      const { entries } = splitPayload(data, attached);
      if (entries !== undefined) noteEntries(decodeBatch(entries), note);
    };
}

function noteEntries(entries: readonly JournalEntry[], note: Note): void {
  for (const { record } of entries) if (record.kind === 'leg') note(record.bodyRef);
}

const storedWith = (data: Uint8Array): string | undefined =>
  data.byteLength === 0 ? undefined : decodeAnswer(data).stored?.bodyRef;

/** Reads what was stored in a stream since then. */
async function eachSince(
  broker: Broker,
  {
    stream,
    since,
    signal,
  }: {
    readonly stream: string;
    readonly since: number;
    readonly signal: AbortSignal | undefined;
  },
  read: (raw: Raw) => void,
): Promise<void> {
  const { state } = await broker.manager.streams.info(stream);
  if (state.messages === 0 || Date.parse(state.last_ts) < since) return;
  const span = { from: new Date(since), until: state.last_seq, signal };
  for await (const message of readStream(broker, stream, span)) read(message);
}
