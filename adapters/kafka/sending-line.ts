import type { produceV11 } from '@platformatic/kafka';
import {
  background,
  EngineError,
  isTold,
  NotConnectedError,
  pause,
  type Reply,
} from 'waybill/adapter';
import type { AnswerTo } from './broker.ts';
import type { KafkaCluster, TopicFacts } from './cluster.ts';
import { CODE, isMoved } from './failure.ts';
import type { KafkaOutValues } from './kafka-out.ts';
import type { Share } from './membership.ts';

export interface Letter {
  readonly key: Buffer | undefined;
  /** Null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers: Map<Buffer, Buffer>;
  readonly timestamp: bigint;
}

/** The number by which brokers recognise what we send again. */
export interface Producer {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

interface LineOptions {
  readonly settings: KafkaOutValues;
  readonly cluster: KafkaCluster;
  readonly producer: Producer | undefined;
  readonly signal: AbortSignal;
  /** What the cluster says of the topic; `fresh` asks it again. */
  readonly look: (how?: 'fresh') => Promise<TopicFacts | number>;
}

interface Waiting extends PromiseWithResolvers<Reply> {
  readonly letter: Letter;
}

/** What is sent together: brokers have a limit for that, usually 1 MB. */
const MOST_TOGETHER = 500;
const MOST_BYTES = 512 * 1024;
/** Milliseconds before a leader is asked again. */
const AGAIN = 250;

/** The same request has a meaning at the next leader, or later at this one. */
const REPEATABLE: ReadonlySet<number> = new Set([CODE.TIMED_OUT, CODE.FEW_REPLICAS_AFTER]);
/** The brokers have forgotten our number: everything begins anew. */
const FORGOTTEN: ReadonlySet<number> = new Set([
  CODE.OUT_OF_ORDER,
  CODE.BAD_EPOCH,
  CODE.UNKNOWN_PRODUCER,
  CODE.FENCED_PRODUCER,
]);

/**
 * Messages on their way to one partition: one request at a time, so that they keep their order and are recognised when
 * they are sent again; what comes meanwhile goes together with the next one.
 */
export class SendingLine {
  readonly #to: Share;
  readonly #options: LineOptions;
  readonly #waiting: Waiting[] = [];
  #isSending = false;
  #sequence = 0;
  #lost: Error | undefined;

  constructor(to: Share, options: LineOptions) {
    this.#to = to;
    this.#options = options;
  }

  async send(letter: Letter, signal: AbortSignal): Promise<Reply> {
    if (this.#lost !== undefined) throw this.#lost;
    const one: Waiting = { letter, ...Promise.withResolvers<Reply>() };
    this.#waiting.push(one);
    if (!this.#isSending) background(this.#sendAll(), 'sending to Kafka', isTold);
    // given up before it is sent, it is sent no more; its next try is another one
    const leave = (): void => {
      const at = this.#waiting.indexOf(one);
      if (at >= 0) this.#waiting.splice(at, 1);
      if (at >= 0) one.reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await one.promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    try {
      for (let batch = this.#batch(); batch.length > 0; batch = this.#batch()) {
        await this.#settle(batch);
      }
    } finally {
      this.#isSending = false;
    }
  }

  /** The next ones, as far as they fit. */
  #batch(): readonly Waiting[] {
    const batch: Waiting[] = [];
    let bytes = 0;
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      const size = (next.letter.value?.length ?? 0) + (next.letter.key?.length ?? 0);
      if (batch.length > 0 && (batch.length >= MOST_TOGETHER || bytes + size > MOST_BYTES)) break;
      this.#waiting.shift();
      bytes += size;
      batch.push(next);
    }
    return batch;
  }

  async #settle(batch: readonly Waiting[]): Promise<void> {
    try {
      if (this.#lost !== undefined) throw this.#lost;
      const verdict = await this.#deliver(batch.map(({ letter }) => letter));
      if (verdict.code === 'OK' || batch.length === 1) {
        for (const [index, one] of batch.entries()) one.resolve(verdict.of(index));
        return;
      }
      // one of them is at fault: each by itself
      for (const one of batch) await this.#settle([one]);
    } catch (error) {
      for (const one of batch) one.reject(error);
    }
  }

  async #deliver(letters: readonly Letter[]): Promise<Verdict> {
    const { settings, signal, look } = this.#options;
    const end = performance.now() + settings.timeout;
    let facts = await look();
    let mayBeThere: Error | undefined;
    for (;;) {
      try {
        const answer = await this.#ask(letters, facts, Math.max(1, end - performance.now()));
        const verdict = this.#verdict(answer, letters.length);
        if (verdict !== undefined) return verdict;
        mayBeThere ??= this.#unknown();
      } catch (error) {
        mayBeThere = this.#again(error, mayBeThere);
      }
      await pause(AGAIN, signal);
      if (performance.now() >= end || signal.aborted) {
        const reason = mayBeThere ?? this.#unknown();
        this.#lost = new NotConnectedError(reason.message, { cause: reason });
        throw this.#lost;
      }
      facts = await look('fresh').catch((): number => 0);
    }
  }

  /** Why the same request is to be sent again; thrown if it must not be. */
  #again(error: unknown, mayBeThere: Error | undefined): Error {
    if (!(error instanceof Unconfirmed)) {
      // it was not sent this time, but may have arrived before
      if (mayBeThere !== undefined && error instanceof NotConnectedError) return mayBeThere;
      throw error;
    }
    if (this.#options.producer !== undefined) return mayBeThere ?? error.reason;
    this.#lost = error.reason;
    throw error.reason;
  }

  async #ask(
    letters: readonly Letter[],
    facts: TopicFacts | number,
    time: number,
  ): Promise<AnswerTo<'produce'> | undefined> {
    const { cluster, signal, settings, producer } = this.#options;
    const { topic, partition } = this.#to;
    const leader = typeof facts === 'number' ? -1 : (facts.partitions[partition]?.leader ?? -1);
    if (leader < 0) return undefined;
    const broker = await cluster.broker(leader, signal);
    if (broker.throttled > 0) await pause(broker.throttled, signal);
    const sequence = this.#sequence;
    try {
      return await broker.ask(
        'produce',
        [
          settings.acks === 'all' ? -1 : 1,
          Math.round(time),
          // the library takes null for no value, and its types do not say so
          letters.map(({ key, value, headers, timestamp }) => ({
            topic,
            partition,
            headers,
            timestamp,
            value: value as Buffer,
            ...(key !== undefined && { key }),
          })),
          {
            compression: settings.compression,
            ...producer,
            ...(producer !== undefined && { sequences: at(sequence) }),
          },
        ],
        { signal, time },
      );
    } catch (error) {
      throw error instanceof EngineError ? new Unconfirmed(error) : error;
    }
  }

  /** Undefined if it is to be sent again. */
  #verdict(answer: AnswerTo<'produce'> | undefined, count: number): Verdict | undefined {
    const found = answer?.responses[0]?.partitionResponses[0];
    if (found === undefined) return undefined;
    const { errorCode: code, baseOffset } = found;
    const { topic, partition } = this.#to;
    if (code === 0 || code === CODE.DUPLICATE_SEQUENCE) {
      this.#sequence = (this.#sequence + count) & 0x7f_ff_ff_ff;
      const text = (index: number): string =>
        code === 0 ? `${topic}-${partition}@${baseOffset + BigInt(index)}` : 'was there before';
      return { code: 'OK', of: (index) => reply('OK', text(index)) };
    }
    if (isMoved(code) || REPEATABLE.has(code)) return undefined;
    if (FORGOTTEN.has(code)) {
      this.#lost = new NotConnectedError(
        `${this.#options.cluster.place} no longer knows the number by which it recognises what we send, error ${code}. It is opened again, with another.`,
      );
      throw this.#lost;
    }
    const [name, text] = REFUSALS[code] ?? [String(code), `the broker refused it (error ${code})`];
    return { code: name, of: () => reply(name, text) };
  }

  #unknown(): Error {
    const { topic, partition } = this.#to;
    const { cluster, settings } = this.#options;
    return new NotConnectedError(
      `Partition ${partition} of the topic ${topic} on ${cluster.place} took nothing for ${settings.timeout / 1_000} s: no broker leads it, or too few have a copy. It is sent again; look at the brokers of the cluster.`,
    );
  }
}

export const reply = (code: string, text: string): Reply => ({
  body: Buffer.alloc(0),
  type: 'text/plain',
  code,
  text,
});

interface Verdict {
  readonly code: string;
  /** The reply to one of the messages that were sent together. */
  readonly of: (index: number) => Reply;
}

/** The request may have arrived. */
class Unconfirmed extends Error {
  override readonly name = 'Unconfirmed';
  readonly reason: Error;

  constructor(reason: Error) {
    super(reason.message, { cause: reason });
    this.reason = reason;
  }
}

const REFUSALS: Readonly<Record<number, readonly [code: string, text: string]>> = {
  [CODE.UNKNOWN_TOPIC]: ['NOTOPIC', 'the topic is gone'],
  [CODE.TOO_LARGE]: ['TOOLARGE', 'it is larger than the topic allows (max.message.bytes)'],
  [CODE.BATCH_TOO_LARGE]: ['TOOLARGE', 'it is larger than a file of the topic (segment.bytes)'],
  [CODE.FEW_REPLICAS]: ['REPLICAS', 'too few copies are up to date (min.insync.replicas)'],
  [CODE.TOPIC_DENIED]: ['DENIED', 'the account may not write to the topic: have it allowed'],
  [CODE.CLUSTER_DENIED]: ['DENIED', 'the account may not write: it lacks IDEMPOTENT_WRITE'],
};

type Sequences = NonNullable<NonNullable<Parameters<typeof produceV11.api.async>[4]>['sequences']>;

/** The library asks for the number of the first message; we count ourselves. */
const at = (sequence: number): Sequences =>
  ({ getWithDefault: () => sequence }) as unknown as Sequences;
