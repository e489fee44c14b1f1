import { setImmediate as immediate } from 'node:timers/promises';
import type { JsMsg } from '@nats-io/jetstream';
import { headers, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import {
  background,
  EngineError,
  isTold,
  type NewMessage,
  NotConnectedError,
  pause,
  type Receipt,
} from 'waybill/adapter';
import { describedBody, type Kept, newsFilter, Paced, UnderWay } from 'waybill/peer';
import { connectNats, lostNats, type NatsSession } from './connect.ts';
import { consumerOf } from './consumer.ts';
import type { NatsInLent } from './nats-in.ts';

/** Milliseconds between two tries to store what was not. */
const FIRST_WAIT = 200;
const LONGEST_WAIT = 30_000;
/** What waits in memory at most, and what each costs besides its bytes. */
const MOST_HELD = 64 * 1024 * 1024;
const HEADROOM = 1_024;
/** How often a stream hears that we are still at work on a message: its consumer waits some 30 s. */
const AT_WORK = 8_000;

/** Takes messages over one connection. */
export class NatsReader implements Kept {
  readonly #lent: NatsInLent;
  readonly #session: NatsSession;
  readonly #storing = new UnderWay();
  readonly #paced: Paced;
  readonly #isNews = newsFilter();
  readonly #closing = new AbortController();
  readonly #lost = Promise.withResolvers<Error>();
  readonly lost = this.#lost.promise;
  #held = 0;
  #stop: () => Promise<unknown> | void = () => undefined;

  private constructor(lent: NatsInLent, session: NatsSession) {
    this.#lent = lent;
    this.#session = session;
    this.#paced = new Paced(lent.settings.parallel);
    background(this.#watch(), 'hearing of a lost connection');
  }

  /** Connects, and takes messages from then on. Throws what connecting throws. */
  static async open(lent: NatsInLent, signal: AbortSignal): Promise<NatsReader> {
    const session = await connectNats(lent, signal);
    const reader = new NatsReader(lent, session);
    try {
      const what = await reader.#begin();
      const state = `${session.facts}, ${what}`;
      lent.connection('connected', state);
      lent.event('info', 'connected', state);
      return reader;
    } catch (error) {
      reader.#closing.abort();
      await session.connection.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('closed'));
    await this.#stop();
    if (!this.#lent.signal.aborted) await this.#storing.ended();
    const { connection } = this.#session;
    // acknowledgements and answers are on their way; a connection that is gone took them with it
    if (!connection.isClosed()) await connection.flush().catch(() => undefined);
    await connection.close();
  }

  async #begin(): Promise<string> {
    const { settings } = this.#lent;
    if (settings.stream === undefined) return await this.#subscribe(settings.subject ?? '>');
    const { consumer, name } = await consumerOf(this.#lent, this.#session, settings.stream);
    const messages = await consumer.consume({
      max_messages: Math.max(10, 2 * settings.parallel),
      abort_on_missing_resource: true,
      // half of it is the server's sign of life: two that are missing tell that the consumer is gone
      expires: 10_000,
    });
    this.#stop = () => messages.close();
    this.#follow(
      messages,
      (one) => this.#keep(one),
      `The stream ${settings.stream} or its consumer ${name} is gone`,
    );
    return `stream ${settings.stream} by the consumer ${name}`;
  }

  async #subscribe(subject: string): Promise<string> {
    const { production, host, settings } = this.#lent;
    const queue = settings.group ?? `waybill.${production}.${host}`;
    const { connection, place } = this.#session;
    const subscription = connection.subscribe(subject, {
      queue,
      callback: (error, one) => {
        if (error === null) this.#hear(one);
      },
    });
    this.#stop = () => subscription.unsubscribe();
    await connection.flush();
    // what the server says to it came before the answer to the flush, and ends it in this turn
    await immediate();
    if (subscription.isClosed()) {
      throw new NotConnectedError(
        `${place} does not let us listen to ${subject}. Have the account allowed to subscribe there.`,
      );
    }
    return `subject ${subject}`;
  }

  /** Nobody but us keeps such a message; what is held while the store is down has a limit. */
  #hear(one: Msg): void {
    if (this.#closing.signal.aborted) return;
    const size = one.data.length + HEADROOM;
    if (this.#held + size > MOST_HELD) return this.#drop(one);
    this.#held += size;
    const taken = this.#inTurn(() => this.#take(one)).finally(() => {
      this.#held -= size;
    });
    background(this.#storing.run(taken), 'taking a message', isTold);
  }

  async #inTurn(take: () => Promise<void>): Promise<void> {
    await this.#paced.take();
    try {
      await take();
    } finally {
      this.#paced.give();
    }
  }

  #drop(one: Msg): void {
    if (this.#lent.settings.answer !== 'none' && (one.reply ?? '') !== '') {
      one.respond(undefined, { headers: failure('503', 'too many messages wait to be stored') });
      return;
    }
    if (!this.#isNews('dropped')) return;
    this.#lent.event(
      'error',
      'message-lost',
      `Messages of ${this.#session.place} are lost: so many wait to be stored that no more are kept in memory, and they are of no stream that would keep them. Take them from a stream.`,
    );
  }

  /** Hands messages on in their order, as many at a time as may be. */
  #follow<One>(messages: AsyncIterable<One>, take: (one: One) => Promise<void>, why: string): void {
    const following = async (): Promise<void> => {
      for await (const one of messages) {
        if (this.#closing.signal.aborted) break;
        await this.#paced.take();
        background(
          this.#storing.run(take(one)).finally(() => this.#paced.give()),
          'taking a message',
          isTold,
        );
      }
      throw new NotConnectedError(`${why}. It is opened again.`);
    };
    following().catch((error: unknown) => {
      if (this.#closing.signal.aborted) return;
      const told =
        error instanceof NotConnectedError
          ? error
          : new NotConnectedError(`${why}. It is opened again.`, { cause: error });
      this.#lost.resolve(told);
    });
  }

  /** A message of a stream: acknowledged once it is stored, handed out again until it is. */
  async #keep(one: JsMsg): Promise<void> {
    const over = new AbortController();
    background(sayAtWork(one, over.signal), 'saying that a message is at work');
    try {
      await this.#lent.deliver(this.#messageOf(one, `${one.info.stream}:${one.seq}`));
      one.ack();
    } catch (error) {
      const isFinal = error instanceof EngineError && !error.retryable;
      const wait = FIRST_WAIT * 2 ** (one.info.deliveryCount - 1);
      one.nak(isFinal ? LONGEST_WAIT : Math.min(wait, LONGEST_WAIT));
      this.#tell(isFinal, `message ${one.seq} of the stream ${one.info.stream}`);
    } finally {
      over.abort();
    }
  }

  /** A message that nobody keeps but us: who asked is told, otherwise it is kept until it is stored. */
  async #take(one: Msg): Promise<void> {
    const { answer } = this.#lent.settings;
    const message = this.#messageOf(one, undefined);
    if (answer === 'none' || (one.reply ?? '') === '') return await this.#untilStored(message);
    try {
      if (answer === 'stored') {
        await this.#lent.deliver(message);
        one.respond();
        return;
      }
      const timeout = this.#lent.settings.answerTimeout;
      answerWith(one, await this.#lent.deliver(message, { reply: true, timeout }));
    } catch (error) {
      // the engine reports why; who asked hears that it has to come again
      this.#lent.log.debug({ err: error }, 'message not stored');
      one.respond(undefined, { headers: failure('503', 'the message was not stored') });
    }
  }

  async #untilStored(message: NewMessage): Promise<void> {
    const { signal } = this.#closing;
    for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      try {
        await this.#lent.deliver(message);
        return;
      } catch (error) {
        const isFinal = error instanceof EngineError && !error.retryable;
        if (isFinal || signal.aborted) {
          const why = isFinal ? 'it cannot be stored' : 'the service stops';
          this.#lent.event(
            'error',
            'message-lost',
            `A message of ${this.#session.place} is lost: ${why}, and it is of no stream that would keep it. Ask for it again.`,
          );
          return;
        }
        this.#tell(false, 'a message');
      }
      await pause(wait, signal);
    }
  }

  #messageOf({ data, headers: header, subject }: Msg | JsMsg, id: string | undefined): NewMessage {
    const { place } = this.#session;
    const contentType = header?.get('Content-Type') || undefined;
    const named = header?.get('Nats-Msg-Id') ?? '';
    return {
      body: data,
      ...describedBody(data, contentType, this.#lent.settings.type),
      origin: `${place}/${subject}`,
      dedupeKey: named === '' ? id : named,
    };
  }

  #tell(isFinal: boolean, what: string): void {
    if (!this.#isNews(isFinal ? 'final' : 'later')) return;
    const why = isFinal ? 'is refused for good' : 'cannot be stored';
    this.#lent.event(
      isFinal ? 'error' : 'warn',
      'not-stored-yet',
      `${this.#session.place}: ${what} ${why}; it is kept and tried again.`,
    );
  }

  async #watch(): Promise<void> {
    const reason = await this.#session.connection.closed();
    if (this.#closing.signal.aborted) return;
    this.#lent.connection('disconnected');
    this.#lost.resolve(lostNats(this.#session.place, reason));
  }
}

async function sayAtWork(one: JsMsg, over: AbortSignal): Promise<void> {
  for (;;) {
    await pause(AT_WORK, over);
    if (over.aborted) return;
    one.working();
  }
}

function answerWith(one: Msg, { reply, outcome }: Receipt): void {
  const isFine = outcome?.status === 'completed' || outcome?.status === 'discarded';
  const header = reply === undefined ? headers() : typed(reply.type);
  if (outcome === undefined ? reply === undefined : !isFine) {
    const text =
      outcome === undefined
        ? 'no answer in time; the message is stored'
        : `the message was ${outcome.status}`;
    const bad = failure('500', text);
    one.respond(reply?.body, { headers: bad });
    return;
  }
  one.respond(reply?.body, { headers: header });
}

function typed(type: string): MsgHdrs {
  const header = headers();
  header.set('Content-Type', type);
  return header;
}

/** As the services of NATS tell that a request went wrong. */
function failure(code: string, text: string): MsgHdrs {
  const header = headers();
  header.set('Nats-Service-Error-Code', code);
  header.set('Nats-Service-Error', text);
  return header;
}
