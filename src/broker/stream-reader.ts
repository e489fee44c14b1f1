import type { ConsumerMessages, JsMsg, StreamInfo } from '@nats-io/jetstream';
import { background } from '../error/background.ts';
import { type Foreseen, tolerate, unless } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import { isAway, isStreamMissing } from './away.ts';
import type { Broker } from './broker.ts';
import { isLeaderless, removeLeaderless } from './leaderless.ts';
import { PROJECTOR } from './names.ts';
import {
  endIfNobodyAnswers,
  ensureProjector,
  isConsumerMissing,
  lastSequence,
  nextExisting,
  reclaimProjector,
  rewindProjector,
  STEADILY,
} from './streams.ts';

/** Messages of any of the production's streams, to be acknowledged as a whole. */
export interface ReadBatch {
  readonly messages: readonly JsMsg[];
  /** How far the streams have been read with it: of those that are read again from before, nothing. */
  read(): StreamRead[];
  /** Everything in it has been processed; until this is called, the server delivers it again after a restart. */
  acknowledge(): void;
}

/** How far a stream was read. */
export interface StreamRead {
  /** Names the stream, and none that is made again under its name, whose sequences begin anew. */
  readonly id: string;
  readonly floor: number;
}

const idOf = ({ config, created }: StreamInfo): string => `${config.name} ${created}`;

export interface StreamReader {
  /** The next messages, at least one, as soon as there are any; undefined once the reader is closed. */
  next(): Promise<ReadBatch | undefined>;
  /** How many messages wait to be read, according to the server. */
  lag(): Promise<number>;
  /** Reads everything again that the streams still contain. */
  again(): void;
  close(): Promise<void>;
}

export interface ReaderOptions {
  /** The most messages in a batch. */
  readonly size?: number;
  /** Milliseconds to wait for more once there is a message. */
  readonly linger?: number;
  /** Called for messages that were never read here and that the stream no longer contains. */
  readonly onMissing?: ((missing: MissingRange) => void) | undefined;
}

/** Sequences of a stream whose messages are missing although nobody removed them. */
export interface MissingRange {
  readonly stream: string;
  readonly from: number;
  readonly to: number;
}

const SEEK = 2_000;
/** Milliseconds before a stream is read again after reading was interrupted. */
const AGAIN = 50;

/** How one stream is being read. */
interface Reading {
  /** See `StreamRead`. */
  readonly id: string;
  readonly messages: ConsumerMessages;
  /** The sequence that must come next. */
  due: number;
  /** The last sequence that was given in a batch; what is delivered once more comes after later ones. */
  given: number;
  /** Set once a delivery is missing: what follows it is dropped. */
  broken: boolean;
}

interface Taken {
  readonly message: JsMsg;
  readonly of: Reading;
}

/**
 * Reads the journal and every queue of a production through the projector's durable consumers. It
 * looks for new streams from time to time.
 *
 * A delivery may be lost with its connection while the server counts it as delivered; the
 * acknowledgement of what follows would cover it, and it would never be read. So a stream is read
 * without a gap: if a sequence is missing, and after a reconnect, its consumer starts again after
 * what was acknowledged.
 */
export const streamReader = (broker: Broker, options: ReaderOptions = {}): StreamReader =>
  new Reader(broker, options);

class Reader implements StreamReader {
  readonly #broker: Broker;
  readonly #size: number;
  readonly #linger: number;
  readonly #gaps: Gaps;
  readonly #waiting: Taken[] = [];
  readonly #reading = new Map<string, Reading>();
  readonly #followed = new Map<string, Promise<void>>();
  /** How often reading everything again was requested, and how often each stream was restarted for it. */
  #round = 0;
  readonly #rounds = new Map<string, number>();
  readonly #stop = new AbortController();
  readonly #seeking: Promise<void>;
  #arrived = Promise.withResolvers<void>();

  constructor(broker: Broker, { size = 1_000, linger = 150, onMissing }: ReaderOptions) {
    this.#broker = broker;
    this.#size = size;
    this.#linger = linger;
    this.#gaps = new Gaps(broker, onMissing);
    this.#seeking = this.#seek();
    // ends with the connection
    background(this.#watch(), 'watching the connection of the trace');
  }

  async next(): Promise<ReadBatch | undefined> {
    const { signal } = this.#stop;
    while (this.#waiting.length === 0) {
      if (signal.aborted) return undefined;
      await this.#arrived.promise;
      this.#arrived = Promise.withResolvers();
    }
    if (this.#waiting.length < this.#size && !signal.aborted) await pause(this.#linger, signal);
    const taken = this.#waiting.splice(0, this.#size);
    for (const { message, of } of taken) of.given = Math.max(of.given, message.seq);
    return {
      messages: taken.map(({ message }) => message),
      read: () => this.#counted(taken).map(([, { of }]) => ({ id: of.id, floor: of.given })),
      acknowledge: () => this.#acknowledge(taken),
    };
  }

  async lag(): Promise<number> {
    return countOf(await projectorUnread(this.#broker));
  }

  again(): void {
    this.#round += 1;
    this.#gaps.forget();
    for (const of of this.#reading.values()) breakOff(of);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#arrived.resolve();
    await this.#seeking;
    for (const { messages } of this.#reading.values()) messages.stop();
    await Promise.all(this.#followed.values());
  }

  /** Looks for streams, until it is closed. */
  async #seek(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const found = await readable(this.#broker);
        for (const stream of found.filter((name) => !this.#followed.has(name))) {
          this.#followed.set(stream, this.#follow(stream));
        }
      } catch (error) {
        // NATS is unreachable at the moment; the consumers are durable
        tolerate(error, isAway, 'looking for streams to read');
      }
      await pause(SEEK, signal, { ref: false });
    }
  }

  /** After a lost connection: what was delivered over it may never have arrived. */
  async #watch(): Promise<void> {
    for await (const { type } of this.#broker.connection.status()) {
      if (type === 'reconnect') for (const of of this.#reading.values()) breakOff(of);
    }
  }

  async #follow(stream: string): Promise<void> {
    const { signal } = this.#stop;
    try {
      for (let due = 0; !signal.aborted; ) {
        due = await this.#read(stream, due);
        this.#reading.delete(stream);
        await pause(AGAIN, signal);
      }
    } catch (error) {
      // the consumer is durable, and `seek` comes again
      tolerate(error, isAway, `reading ${stream}`);
      if (isLeaderless(error) && !signal.aborted)
        await removeLeaderless(this.#broker, stream, PROJECTOR).catch(
          unless(isAway, `making the consumer of ${stream} again`),
        );
    } finally {
      this.#followed.delete(stream);
      this.#reading.delete(stream);
    }
  }

  /** Reads a stream until its consumer ends or a delivery is missing; returns how far it got. */
  async #read(stream: string, due: number): Promise<number> {
    const { id, floor } = await this.#prepare(stream, due);
    const consumer = await this.#broker.jetstream.consumers.get(stream, PROJECTOR);
    const early: JsMsg[] = [];
    let of: Reading | undefined;
    const messages = await consumer.consume({
      max_messages: 1_000,
      ...STEADILY,
      callback: (message) => {
        if (of === undefined) early.push(message);
        else this.#take(message, of);
      },
    });
    of = { id, messages, due: floor + 1, given: floor, broken: this.#stop.signal.aborted };
    this.#reading.set(stream, of);
    for (const message of early) this.#take(message, of);
    if (of.broken) messages.stop();
    background(endIfNobodyAnswers(messages), `following the consumer of ${stream}`);
    await messages.closed();
    return of.due;
  }

  /** @returns up to where the consumer, which it makes ready, has acknowledged */
  async #prepare(stream: string, due: number): Promise<StreamRead> {
    const broker = this.#broker;
    // before its consumer: of a stream that is made again meanwhile this is not the id
    const id = idOf(await broker.manager.streams.info(stream));
    await ensureProjector(broker, stream);
    if ((this.#rounds.get(stream) ?? 0) < this.#round) {
      const current = this.#round;
      await rewindProjector(broker, stream);
      this.#rounds.set(stream, current);
    }
    const floor = await reclaimProjector(broker, stream);
    if (floor === 0) await this.#gaps.isNew(stream);
    await this.#gaps.look(stream, floor + 1);
    if (due > floor + 1) await this.#gaps.look(stream, due);
    return { id, floor };
  }

  #take(message: JsMsg, of: Reading): void {
    const { seq } = message;
    if (of.broken) return;
    const due = this.#gaps.next(message.info.stream, of.due);
    if (seq > due) return breakOff(of);
    // repetitions are harmless
    if (seq === due) of.due = seq + 1;
    this.#waiting.push({ message, of });
    this.#arrived.resolve();
  }

  /** The consumers acknowledge everything up to a message, so the last of each stream is enough. */
  #acknowledge(taken: readonly Taken[]): void {
    for (const [, { message }] of this.#counted(taken)) message.ack();
  }

  /** The last of each stream, unless its consumer was restarted: that restarts its count and delivers it again. */
  #counted(taken: readonly Taken[]): [string, Taken][] {
    const last = new Map(taken.map((one) => [one.message.info.stream, one]));
    return [...last].filter(([stream, { of }]) => this.#reading.get(stream) === of && !of.broken);
  }
}

function breakOff(of: Reading): void {
  of.broken = true;
  of.messages.stop();
}

/** The sequences that the streams no longer have, as far as somebody came to them. */
class Gaps {
  readonly #broker: Broker;
  readonly #onMissing: ReaderOptions['onMissing'];
  /** By stream: its gaps, from the first missing sequence to the next that exists. */
  readonly #holes = new Map<string, Map<number, number>>();
  /** By stream: its end before anything was read from it; it is not known what was removed up to there. */
  readonly #past = new Map<string, number>();

  constructor(broker: Broker, onMissing: ReaderOptions['onMissing']) {
    this.#broker = broker;
    this.#onMissing = onMissing;
  }

  /** Nothing was read from a stream yet: what it has lost so far is not missed. */
  async isNew(stream: string): Promise<void> {
    if (!this.#past.has(stream)) {
      this.#past.set(stream, await lastSequence(this.#broker, stream));
    }
  }

  /** Everything is read again. */
  forget(): void {
    this.#past.clear();
  }

  /** The sequence that comes next, where this one was expected. */
  next(stream: string, due: number): number {
    return this.#holes.get(stream)?.get(due) ?? due;
  }

  /** Records a gap in the stream at the next expected sequence, and reports it if that message should exist. */
  async look(stream: string, due: number): Promise<void> {
    const next = await nextExisting(this.#broker, stream, due);
    if (next === undefined || next === due) return;
    const found = this.#holes.get(stream) ?? new Map<number, number>();
    if (due > (this.#past.get(stream) ?? 0) && !found.has(due)) {
      this.#onMissing?.({ stream, from: due, to: next - 1 });
    }
    this.#holes.set(stream, found.set(due, next));
  }
}

const isMissing = (error: unknown): boolean => isStreamMissing(error) || isConsumerMissing(error);

/** How much of a stream the projector still has to process, according to the server. */
export interface Unread {
  readonly stream: string;
  readonly unread: number;
  /** Up to where it has processed it: another one whenever it went on. */
  readonly floor: number;
}

/** Of each stream, but not of those of which nobody says so at the moment. */
export const projectorUnread = (broker: Broker): Promise<Unread[]> => unreadBut(broker, isAway);

/** Of every stream but those whose consumer is just being made; rejects where it cannot be said: one would look as if it had been read. */
export const allUnread = (broker: Broker): Promise<Unread[]> => unreadBut(broker, isMissing);

async function unreadBut(broker: Broker, isLeftOut: Foreseen): Promise<Unread[]> {
  const streams = await readable(broker);
  const infos = await Promise.all(
    streams.map((stream) =>
      unreadOf(broker, stream).catch((error: unknown) => {
        if (!isLeftOut(error)) throw error;
        return undefined;
      }),
    ),
  );
  return infos.filter((info) => info !== undefined);
}

/** How many messages the projector still has to process. */
export const countOf = (found: readonly Unread[]): number =>
  found.reduce((sum, { unread }) => sum + unread, 0);

/** A stream, up to where the projector has acknowledged it, and the first sequence that it still contains. */
export interface ProjectorFloor {
  /** See `StreamRead`. */
  readonly id: string;
  readonly stream: string;
  /** Undefined if nobody says so at the moment. */
  readonly floor: number | undefined;
  readonly first: number;
}

/**
 * Up to where the projector has acknowledged each stream. To be asked before a reader
 * begins: while one makes its consumer again, that has acknowledged nothing.
 */
export async function projectorFloors(broker: Broker): Promise<readonly ProjectorFloor[]> {
  return Promise.all(
    (await readable(broker)).map(async (stream) => {
      const infos = Promise.all([
        broker.manager.consumers.info(stream, PROJECTOR),
        broker.manager.streams.info(stream),
      ]);
      try {
        const [consumer, info] = await infos;
        const [id, floor] = [idOf(info), consumer.ack_floor.stream_seq];
        return { id, stream, floor, first: info.state.first_seq };
      } catch (error) {
        // the reader makes it again, unless it has a leader by then
        if (isLeaderless(error)) return { id: '', stream, floor: undefined, first: 1 };
        tolerate(error, isMissing, `asking about ${stream}`);
        // nothing was read from it yet, or it was just removed with its host
        return { id: '', stream, floor: 0, first: 1 };
      }
    }),
  );
}

async function unreadOf({ manager }: Broker, stream: string): Promise<Unread> {
  try {
    const info = await manager.consumers.info(stream, PROJECTOR);
    const { num_pending, num_ack_pending, ack_floor } = info;
    return { stream, unread: num_pending + num_ack_pending, floor: ack_floor.stream_seq };
  } catch (error) {
    if (!isLeaderless(error)) throw error;
    // nobody knows how far it has come: at most this
    const { state } = await manager.streams.info(stream);
    return { stream, unread: state.messages, floor: 0 };
  }
}

/** The streams that the trace is built from; bodies, state and suspended messages are referred to from these. */
async function readable({ manager, names }: Broker): Promise<string[]> {
  const streams: string[] = [];
  for await (const stream of manager.streams.names(names.everything)) {
    if (names.isTold(stream)) streams.push(stream);
  }
  return streams;
}
