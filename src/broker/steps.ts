import type { JsMsg } from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import { background } from '../error/background.ts';
import { tolerate, unless } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import { after, type Timer } from '../time/timer.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';
import { openBucket } from './bucket.ts';
import { isChanged } from './keyed.ts';
import { followStream, readStream } from './read-stream.ts';

/**
 * What durable processes have done: one record per step, and the answers to their calls, while
 * their message is open.
 */
export interface Steps {
  read(key: string): Promise<StepRecord | undefined>;
  write(key: string, record: StepRecord): Promise<void>;
  /** The subject on which an answer to a call is published; it is stored there even if nobody is waiting. */
  answerAddress(key: string): string;
  /** The same for the answer to a message that may be repeated; kept for a week. */
  repeatedAddress(key: string): string;
  /** The answer that is already stored at such an address, if any. */
  kept(address: string): Promise<Uint8Array | undefined>;
  /** Stores an answer unless there is one; resolves to that one, or undefined if this is the first. */
  storeOnce(address: string, answer: Uint8Array): Promise<Uint8Array | undefined>;
  /** The stored answer to a call, as soon as it exists; rejects when the signal aborts. */
  answer(key: string, signal: AbortSignal): Promise<StoredAnswer>;
  /**
   * The addresses of answers to calls, as they are stored from now on, until the signal aborts.
   * Throws BROKER_UNAVAILABLE if the server is silent, since answers stored meanwhile would be
   * missed.
   */
  arrivals(signal: AbortSignal): Promise<AsyncIterable<string>>;
  /**
   * A message has ended: its steps are removed a little later, so that a redelivery after a crash
   * still finds them done.
   */
  ended(message: number): void;
  /** Removes the steps of a message. */
  forget(message: number): Promise<void>;
  /** Messages for which nothing has been written since then: they have ended unless they still wait somewhere. */
  untouchedSince(time: number, signal?: AbortSignal): Promise<ReadonlySet<number>>;
  close(): void;
}

export interface StepRecord {
  /** What the step was: a different one in its place on a replay means that the process took a different path. */
  readonly fingerprint: string;
  readonly at: number;
  /** What the code was given, as JSON; missing for nothing. */
  readonly result?: unknown;
}

export interface StoredAnswer {
  readonly body: Uint8Array;
}

/** How long an answer that may be needed again is kept, in milliseconds. */
const KEEP_ANSWERS = 7 * 86_400_000;
/** How long the steps of an ended message are kept, in milliseconds. */
const KEEP_ENDED = 10 * 60_000;
const LOOK_EVERY = 30_000;
/** Milliseconds before waiting for an answer again after the server was unreachable. */
const AGAIN = 200;

// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export async function steps(broker: Broker): Promise<Steps> {
  const { names, manager } = broker;
  const [kv, answers] = await Promise.all([
    bucket(broker, names.steps, 0),
    bucket(broker, names.answers, KEEP_ANSWERS),
  ]);
  const stream = `KV_${names.steps}`;
  const prefix = `$KV.${names.steps}.`;
  const repeated = `$KV.${names.answers}.`;
  const forget = async (message: number): Promise<void> => {
    await manager.streams.purge(stream, { filter: `${prefix}${message}.>` });
  };
  const endings = endedMessages(forget);
  const keptAt = async (address: string): Promise<Uint8Array | undefined> => {
    const [from, key] = address.startsWith(prefix)
      ? [kv, address.slice(prefix.length)]
      : [answers, address.slice(repeated.length)];
    const entry = await from.get(key);
    return entry === null || entry.operation !== 'PUT' ? undefined : entry.value;
  };
  const firstPut = async (subject: string, signal: AbortSignal): Promise<JsMsg | undefined> => {
    for await (const stored of followStream(broker, stream, { from: 1, subject, signal })) {
      if (isPut(stored)) return stored;
    }
    return undefined;
  };
  return {
    async read(key) {
      const entry = await kv.get(key);
      return entry === null || entry.operation !== 'PUT' ? undefined : entry.json<StepRecord>();
    },
    async write(key, record) {
      await kv.put(key, JSON.stringify(record));
    },
    answerAddress: (key) => prefix + key,
    repeatedAddress: (key) => repeated + key,
    kept: keptAt,
    async storeOnce(address, answer) {
      try {
        await broker.jetstream.publish(address, answer, { expect: { lastSubjectSequence: 0 } });
        return undefined;
      } catch (error) {
        if (!isChanged(error)) throw error;
        return keptAt(address);
      }
    },
    async answer(key, signal) {
      while (!signal.aborted) {
        try {
          const stored = await firstPut(prefix + key, signal);
          if (stored !== undefined) return { body: stored.data };
        } catch (error) {
          // stored answers remain: check again
          tolerate(error, isAway, 'waiting for the answer to a call');
          await pause(AGAIN, signal);
        }
      }
      throw signal.reason;
    },
    async arrivals(signal) {
      const { state } = await manager.streams.info(stream);
      const from = state.last_seq + 1;
      const subject = `${prefix}*.*.answer`;
      const stored = followStream(broker, stream, { from, subject, headersOnly: true, signal });
      return (async function* () {
        for await (const one of stored) if (isPut(one)) yield one.subject;
      })();
    },
    ended: (message) => endings.add(message),
    forget,
    async untouchedSince(time, signal) {
      const [old, young] = [new Set<number>(), new Set<number>()];
      const { state } = await manager.streams.info(stream);
      const until = state.last_seq;
      const records = readStream(broker, stream, { from: 1, until, headersOnly: true, signal });
      for await (const { subject, time: written } of records) {
        const id = Number(subject.slice(prefix.length).split('.', 1)[0]);
        if (Number.isSafeInteger(id)) (written.getTime() < time ? old : young).add(id);
      }
      for (const id of young) old.delete(id);
      return old;
    },
    close: () => endings.close(),
  };
}

/** Removes the steps of messages a while after they have ended. */
function endedMessages(forget: (message: number) => Promise<void>) {
  const ended = new Map<number, number>();
  let timer: Timer | undefined;
  const look = async (): Promise<void> => {
    for (const [message, at] of ended) {
      if (performance.now() - at < KEEP_ENDED) break;
      ended.delete(message);
      // what is left behind while NATS is unreachable, or during a stop, is removed later
      await forget(message).catch(unless(isAway, 'removing the steps of a message'));
    }
    timer = ended.size === 0 ? undefined : later();
  };
  const later = (): Timer =>
    after(LOOK_EVERY, () => background(look(), 'removing the steps of messages'), { ref: false });
  return {
    add(message: number): void {
      ended.set(message, performance.now());
      timer ??= later();
    },
    close(): void {
      timer?.stop();
      ended.clear();
    },
  };
}

/** Opens a bucket. One that an earlier version made contains answers to repeated messages, which now have their own. */
function bucket(broker: Broker, name: string, age: number): Promise<KV> {
  const filter = `$KV.${name}.a.>`;
  const onOtherAge = (): Promise<unknown> => broker.manager.streams.purge(`KV_${name}`, { filter });
  return openBucket(broker, name, { age, onOtherAge });
}

/** Whether a record of a bucket is a value and not the mark of a removal. */
const isPut = ({ headers }: JsMsg): boolean => (headers?.get('KV-Operation') ?? '') === '';
