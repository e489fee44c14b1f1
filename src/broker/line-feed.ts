import { createInbox, type Msg } from '@nats-io/transport-node';
import { background } from '../error/background.ts';
import { tolerate } from '../error/foreseen.ts';
import type { Message } from '../message/message.ts';
import { Deadline } from '../time/deadline.ts';
import { pause } from '../time/pause.ts';
import { after, type Timer } from '../time/timer.ts';
import { isAway } from './away.ts';
import type { Bodies } from './bodies.ts';
import type { Broker } from './broker.ts';
import type { HandOffs } from './hand-offs.ts';
import { WORKER } from './names.ts';
import { type Delivery, deliveryOf, type Taken, takenFromLine, teller } from './queue.ts';
import { lastSequence, READ_AHEAD, settledUpTo } from './streams.ts';

export interface LineFeedOptions {
  readonly broker: Broker;
  readonly bodies: Bodies;
  readonly stream: string;
  /** Called in the order of the line. */
  readonly take: (taken: Taken) => void;
  /** Called if a message cannot be taken; the server delivers it again. */
  readonly failed: (error: unknown) => void;
  readonly handOffs?: HandOffs | undefined;
}

/** The messages of a strict line, in order. */
export interface LineFeed {
  /** Nothing more is taken from now on. */
  halt(): void;
  /** The same, and nothing is heard any more: the line is taken over again, from its first open message on. */
  stop(): void;
  /** Resolves once it was halted, or has stopped by itself because something may have been lost. */
  closed(): Promise<void>;
  /**
   * After `halt`, when everything in flight has ended: acknowledges what was handed over and
   * settled, but not yet delivered by the server, then stops. Only while this engine still holds
   * the line.
   *
   * @returns whether nothing is left
   */
  settleRest(): Promise<boolean>;
}

/** Under load: milliseconds before the server is asked for what was handed over meanwhile. */
const PACE = 50;
/** How many acknowledgements are sent together: half of what the server delivers without one. */
const TOGETHER = READ_AHEAD / 2;
/** Messages handed over and not yet acknowledged, at most: fewer than a host remembers as settled. */
const AHEAD = 1_000;
/** The part of what is delivered that others may have stored, up to which it is worth waiting. */
const OTHERS = 0.1;
const EXPIRES = 30_000;
const BEAT = 2_000;
/** After two missed heartbeats the server is asked again: in a cluster its leader may be gone. */
const DEAF = 2 * BEAT + 500;
/** How many requests in a row may find nothing before one waits for messages again. */
const EMPTY = 2;
/** Milliseconds for the answer to a request that waits for nothing. */
const ANSWER = 1_000;
/** Milliseconds between two requests for what is left at the end. */
const REST = 20;
/** Milliseconds before a refused request is repeated. */
const AGAIN = 100;
const NANOS = 1_000_000;

/** Statuses of a pull request (ADR-13 of NATS). */
const NO_RESPONDERS = 503;
const OVER: ReadonlySet<number> = new Set([404, 408]);
const REFUSED = 409;

/** A message that the worker got from this engine, which the server has yet to deliver. */
interface Handed {
  /** What it holds of the memory for all lines. */
  bytes: number;
  settled: boolean;
  /** Where its acknowledgement goes, once it was delivered. */
  at: string | undefined;
}

/** One request for messages, and what came of it. */
interface Asked {
  /** It waits for messages, instead of ending with what is there. */
  readonly standing: boolean;
  readonly reply: string;
  got: number;
  /** Of these, what the worker did not have yet. */
  taken: number;
  /** What this engine stored, but the server delivered sooner. */
  late: number;
}

/**
 * Reads a line through its consumer, and takes what this engine stored itself directly, as long as
 * nothing lies between. The consumer remains the one record of what is settled: what was handed
 * over is delivered later, many at a time, and acknowledged at once. So under load a message costs
 * neither a delivery nor an acknowledgement of its own, and is sent without waiting for either.
 */
// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export async function lineFeed(options: LineFeedOptions): Promise<LineFeed> {
  const { broker, bodies, stream, take, failed, handOffs } = options;
  const { connection, turn } = broker;
  const tell = teller(connection, turn);
  const inbox = createInbox();
  const handed = new Map<number, Handed>();
  const closed = Promise.withResolvers<void>();
  let halted = false;
  let stopped = false;
  /** The next sequence of the stream; nothing is handed over until it is known. */
  let due = Number.MAX_SAFE_INTEGER;
  /** The next delivery, by the consumer's count. */
  let number = 0;
  let asked: Asked = { standing: true, reply: '', got: 0, taken: 0, late: 0 };
  let count = 0;
  let heard = 0;
  let empty = 0;
  let next: Timer | undefined;

  const free = (one: Handed): void => {
    handOffs?.free(one.bytes);
    one.bytes = 0;
  };

  /** Acknowledgements that are sent together: each one alone would make the server deliver one message. */
  let settled: string[] = [];
  let settling: Timer | undefined;
  const tellSettled = (): void => {
    settling?.stop();
    settling = undefined;
    for (const at of settled) tell(at, '+ACK');
    settled = [];
  };
  const acknowledged = (at: string): void => {
    if (settled.push(at) >= TOGETHER || halted) tellSettled();
    else settling ??= after(PACE, tellSettled, { ref: false });
  };

  /** After a halt only once nothing is heard any more: the server would deliver them here again. */
  const left: string[] = [];
  const giveBack = (at: string): void => {
    if (halted) left.push(at);
    else tell(at, '-NAK');
  };

  const acknowledge = (sequence: number, one: Handed): void => {
    one.settled = true;
    free(one);
    if (one.at === undefined) return;
    acknowledged(one.at);
    handed.delete(sequence);
  };

  const offer = (sequence: number, message: Message): void => {
    if (sequence < due) asked.late += 1;
    // something of others lies between: no reason to wait any longer
    if (sequence > due && next !== undefined) ask(true);
    const bytes = message.body.inline?.byteLength ?? 0;
    if (sequence !== due || handed.size >= AHEAD || handOffs?.hold(bytes) !== true) return;
    const one: Handed = { bytes, settled: false, at: undefined };
    handed.set(sequence, one);
    due = sequence + 1;
    take({
      message,
      stream,
      sequence,
      delivery: 1,
      bodyRef: undefined,
      woken: false,
      get acknowledgeAt() {
        return one.at;
      },
      acknowledge: () => acknowledge(sequence, one),
      giveBack: () => {
        free(one);
        handed.delete(sequence);
        if (one.at !== undefined) giveBack(one.at);
      },
      working: () => {
        if (one.at !== undefined) tell(one.at, '+WPI');
      },
    });
  };

  const request = (reply: string, what: object): void =>
    turn.atEnd(() => {
      try {
        connection.publish(nextOf(stream), JSON.stringify(what), { reply });
      } catch (error) {
        // it is asked again when nothing is heard
        tolerate(error, isAway, `asking for what ${stream} has`);
      }
    });

  /** Asks for what comes, or only for what is there. */
  const ask = (standing: boolean): void => {
    next?.stop();
    next = undefined;
    if (halted) return;
    asked = { standing, reply: `${inbox}.${count++}`, got: 0, taken: 0, late: 0 };
    heard = performance.now();
    const waiting = { expires: EXPIRES * NANOS, idle_heartbeat: BEAT * NANOS };
    request(asked.reply, { batch: READ_AHEAD, ...(standing ? waiting : { no_wait: true }) });
    if (!standing) goOnAfter(PACE, () => goOn(0));
  };

  const goOnAfter = (ms: number, run: () => void): void => {
    next?.stop();
    next = after(ms, run, { ref: false });
  };

  const pace = (): void => goOnAfter(PACE, () => ask(!isOwn()));

  /** The time for what was there is over; a server that has not answered yet gets more. */
  const goOn = (waited: number): void => {
    if (asked.got > 0) ask(!isOwn());
    else if (waited >= ANSWER) ask(true);
    else goOnAfter(PACE, () => goOn(waited + PACE));
  };

  /** Whether the server delivered hardly anything but what this engine had stored. */
  const isOwn = (): boolean => asked.taken - asked.late <= asked.got * OTHERS;

  /**
   * A request has got all it asked for. Under load, when the server only delivers what was handed
   * over, it is asked again after a moment, so that it delivers many together.
   */
  const filled = (pending: number): void => {
    const isBehind = pending > READ_AHEAD || !isOwn();
    if (isBehind || !asked.standing) ask(isBehind);
    else pace();
  };

  const deliver = (raw: Msg, delivery: Delivery): void => {
    const { sequence, pending, at } = delivery;
    if (halted) return deliverLate(delivery);
    // one is missing: nothing may pass it
    if (delivery.number > number) return stop();
    number = delivery.number + 1;
    asked.got += 1;
    empty = 0;
    const one = handed.get(sequence);
    if (one === undefined) asked.taken += 1;
    if (asked.got >= READ_AHEAD) filled(pending);
    if (one === undefined) {
      due = Math.max(due, sequence + 1);
      take({
        ...takenFromLine(raw, delivery, { stream, bodies }),
        acknowledge: () => acknowledged(at),
        giveBack: () => giveBack(at),
        working: () => tell(at, '+WPI'),
      });
      return;
    }
    one.at = at;
    if (one.settled) acknowledge(sequence, one);
  };

  const deliverLate = ({ sequence, at }: Delivery): void => {
    const one = handed.get(sequence);
    if (one === undefined) return void left.push(at);
    one.at = at;
    if (one.settled) acknowledge(sequence, one);
  };

  /** The server says something about a request. */
  const hear = (raw: Msg): void => {
    const said = saidBy(raw);
    if (halted || said === undefined) return;
    if (said === 'gone') return stop();
    // about an earlier request
    if (raw.subject !== asked.reply) return;
    if (said === 'refused') goOnAfter(AGAIN, () => ask(true));
    else if (said === 'over' && !asked.standing && (asked.got > 0 || empty++ < EMPTY)) pace();
    else ask(true);
  };

  const subscription = connection.subscribe(`${inbox}.*`, {
    callback: (error, raw) => {
      if (stopped || error !== null) return;
      heard = performance.now();
      try {
        const delivery = deliveryOf(raw.reply ?? '');
        if (delivery === undefined) hear(raw);
        else deliver(raw, delivery);
      } catch (thrown) {
        failed(thrown);
      }
    },
  });
  const leave = handOffs?.join(stream, offer);
  let watching: Timer | undefined;
  const listen = (): void => {
    if (asked.standing && performance.now() - heard > DEAF) ask(true);
    watching = after(BEAT, listen, { ref: false });
  };

  const halt = (): void => {
    if (halted) return;
    halted = true;
    leave?.();
    watching?.stop();
    next?.stop();
    tellSettled();
    closed.resolve();
  };

  const stop = (): void => {
    halt();
    if (stopped) return;
    stopped = true;
    subscription.unsubscribe();
    for (const one of handed.values()) free(one);
    for (const at of left) tell(at, '-NAK');
    // before the line is taken over again
    turn.finish();
  };

  /** After a reconnect: goes on if nothing was lost with the connection, and the stream is as it was. */
  const resume = async (): Promise<void> => {
    try {
      const info = await broker.manager.consumers.info(stream, WORKER);
      const last = await lastSequence(broker, stream);
      if (info.delivered.consumer_seq >= number || last < due - 1) stop();
      else ask(true);
    } catch (error) {
      tolerate(error, isAway, `asking about ${stream}`);
      stop();
    }
  };

  const watch = async (): Promise<void> => {
    for await (const { type } of connection.status()) {
      if (halted) return;
      if (type === 'reconnect') await resume();
    }
  };

  try {
    const info = await broker.manager.consumers.info(stream, WORKER);
    due = Math.max(info.delivered.stream_seq, settledUpTo(info)) + 1;
    number = info.delivered.consumer_seq + 1;
  } catch (error) {
    stop();
    throw error;
  }
  ask(true);
  listen();
  background(watch(), `following the connection of ${stream}`);

  return {
    halt,
    stop,
    closed: () => closed.promise,
    async settleRest() {
      for (const [sequence, one] of handed) {
        if (one.settled) continue;
        free(one);
        handed.delete(sequence);
      }
      for (let waited = 0; !stopped && handed.size > 0 && waited < ANSWER; waited += REST) {
        request(`${inbox}.rest`, { batch: READ_AHEAD, no_wait: true });
        await pause(REST);
      }
      stop();
      // the next engine asks the server on another connection
      const told = new Deadline(ANSWER).within(`settling ${stream}`, connection.flush(), isAway);
      return (await told) && handed.size === 0;
    },
  };
}

const nextOf = (stream: string): string => `$JS.API.CONSUMER.MSG.NEXT.${stream}.${WORKER}`;

/**
 * What the server says about a request: the consumer or its stream is `gone` (or has no leader), it
 * is `over`, as many as may be are being worked on (`full`), or it is `refused` for now. Undefined
 * for a heartbeat.
 */
function saidBy({ headers }: Msg): 'gone' | 'over' | 'full' | 'refused' | undefined {
  const { code = 0, description = '' } = headers ?? {};
  if (code === NO_RESPONDERS) return 'gone';
  if (OVER.has(code)) return 'over';
  if (code !== REFUSED) return undefined;
  if (/deleted/i.test(description)) return 'gone';
  return /maxackpending/i.test(description) ? 'full' : 'refused';
}
