import { setImmediate as immediate } from 'node:timers/promises';
import type { JsMsg } from '@nats-io/jetstream';
import { headers, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import {
  background,
  EngineError,
  inbound,
  type LentInbound,
  type NewMessage,
  NotConnectedError,
  pause,
  type Receipt,
  type SettingsFault,
  setting,
} from 'waybill/adapter';
import {
  Intake,
  type Kept,
  keptOpen,
  PassingSet,
  parallelSetting,
  unlessLate,
  untilStored,
} from 'waybill/peer/basics';
import { describedBody } from 'waybill/peer/http';
import { connectNats, lostNats, type NatsSession } from './connect.ts';
import { consumerOf } from './consumer.ts';
import { natsSettings, subjectPattern } from './nats-settings.ts';
import { tryNats } from './nats-test.ts';

export const natsInSettings = {
  ...natsSettings,
  subject: setting.optional(
    subjectPattern({
      help: 'The subject, with * for one word and > for the rest. With stream, the part of it that a created consumer takes; if left out there, all.',
      example: 'lab.results.>',
    }),
  ),
  stream: setting.optional(
    setting.text({
      help: 'A stream of JetStream. A message is then acknowledged once it is stored here, and handed out again until it is. Without it messages are received as they are published: those published while nobody listens are missed.',
      example: 'RESULTS',
    }),
  ),
  consumer: setting.optional(
    setting.text({
      help: 'With stream, the durable consumer whose position is used. It is created if it is missing. If left out, its name is made of those of the production and the service.',
      example: 'waybill-results',
    }),
  ),
  begin: setting.choice(
    { all: 'With the first message that the stream holds', new: 'With messages from now on' },
    { help: 'With stream, where a created consumer begins.', default: 'all' },
  ),
  group: setting.optional(
    setting.text({
      help: 'Without stream, the queue group: each message goes to one of its members, so that several engines take each once. If left out, it is that of this service.',
      example: 'hub',
      advanced: true,
    }),
  ),
  answer: setting.choice(
    {
      none: 'Nothing is answered',
      stored: 'An empty answer once the message is stored',
      target: 'What the target answers',
    },
    {
      help: 'Without stream, the answer to a request. If the message cannot be stored, or went wrong at its target, the answer has the headers Nats-Service-Error and Nats-Service-Error-Code.',
      default: 'none',
    },
  ),
  answerTimeout: setting.duration({
    help: 'With answer: target, how long to wait for it.',
    default: '30s',
  }),
  type: setting.optional(
    setting.text({
      help: 'The type of the messages. If left out, it comes from the header Content-Type, or else from the bytes.',
      example: 'application/json',
    }),
  ),
  parallel: parallelSetting,
};

export type NatsInLent = LentInbound<typeof natsInSettings>;
export type NatsInValues = setting.ValuesOf<typeof natsInSettings>;

export default inbound({
  type: 'nats-in',
  title: 'NATS, receiving and answering',
  summary:
    'Takes messages of a subject or of a JetStream stream of another NATS server, and answers requests.',
  settings: natsInSettings,
  check: (settings) => Promise.resolve(natsInFaults(settings)),
  open: (lent) => keptOpen(lent, (signal) => NatsReader.open(lent, signal)),
  test: (lent, step) => tryNats(lent, step),
});

export function natsInFaults(settings: NatsInValues): SettingsFault[] {
  const { subject, stream, consumer, group, answer } = settings;
  const faults: SettingsFault[] = [];
  const wrong = (path: string, what: string, remedy: string): void => {
    faults.push({ path: [path], what, remedy });
  };
  if (settings.connect.length === 0) wrong('connect', 'is empty', 'Name a server.');
  if (stream === undefined && subject === undefined) {
    wrong('subject', 'is missing', 'Name a subject, a stream, or both.');
  }
  if (stream === undefined && consumer !== undefined) {
    wrong('consumer', 'is of a stream', 'Name the stream, or remove it.');
  }
  if (stream !== undefined && group !== undefined) {
    wrong('group', 'does not go with stream', 'Remove it: engines share the consumer.');
  }
  if (stream !== undefined && answer !== 'none') {
    wrong('answer', 'does not go with stream', 'Remove it: nobody waits for an answer.');
  }
  return faults;
}

/** Milliseconds between two tries to store a message. */
const FIRST_WAIT = 200;
const LONGEST_WAIT = 30_000;
/** How often we tell a stream that a message is still being processed: its consumer waits some 10 s. */
const AT_WORK = 3_000;

/** How long a server may take to read the last answers. */
const LAST_ANSWERS = 2_000;

/** Takes messages over one connection. */
class NatsReader implements Kept {
  readonly #lent: NatsInLent;
  readonly #session: NatsSession;
  readonly #intake: Intake;
  /** Messages of a stream that are being stored. */
  readonly #atWork = new PassingSet<JsMsg>();
  readonly #over = new AbortController();
  #stop: () => Promise<unknown> | void = () => undefined;

  private constructor(lent: NatsInLent, session: NatsSession) {
    this.#lent = lent;
    this.#session = session;
    this.#intake = new Intake(lent, lent.settings.parallel);
    const { connection, place } = session;
    this.#intake.watch(connection.closed().then((reason) => lostNats(place, reason)));
  }

  get lost(): Promise<Error> {
    return this.#intake.lost;
  }

  /** Connects, and takes messages from then on. Throws the errors of connecting. */
  static async open(lent: NatsInLent, signal: AbortSignal): Promise<NatsReader> {
    const session = await connectNats(lent, signal);
    const reader = new NatsReader(lent, session);
    try {
      const what = await reader.#begin();
      reader.#intake.opened(`${session.facts}, ${what}`);
      return reader;
    } catch (error) {
      reader.#intake.stop();
      reader.#over.abort();
      await session.connection.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#intake.stop();
    await this.#stop();
    await this.#intake.finish();
    this.#over.abort();
    const { connection } = this.#session;
    // acknowledgements and answers may be in flight; a lost connection took them with it
    if (!connection.isClosed()) await this.#flush(LAST_ANSWERS).catch(() => undefined);
    await connection.close();
  }

  /** Resolves once the server has read what was written. Throws if that takes longer than so many milliseconds. */
  async #flush(time: number): Promise<void> {
    const { connection, place } = this.#session;
    await unlessLate(connection.flush(), {
      signal: this.#lent.signal,
      time,
      late: () => `${place} did not answer within ${time} ms. Look at its load and its log.`,
      givenUp: () => undefined,
    });
  }

  async #begin(): Promise<string> {
    const { settings } = this.#lent;
    if (settings.stream === undefined) return await this.#subscribe(settings.subject ?? '>');
    const { consumer, name, told } = await consumerOf(this.#lent, this.#session, settings.stream);
    const messages = await consumer.consume({
      max_messages: Math.max(10, 2 * settings.parallel),
      abort_on_missing_resource: true,
      // the server's heartbeat comes at half of it: two missing ones tell that the consumer is gone
      expires: 10_000,
    });
    this.#stop = () => messages.close();
    background(this.#sayAtWork(), 'saying that messages are at work');
    this.#follow(
      messages,
      (one) => this.#keep(one),
      `The stream ${settings.stream} or its consumer ${name} is gone`,
    );
    return `stream ${settings.stream} by the consumer ${name}${told}`;
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
    await this.#flush(settings.connectTimeout);
    // the server's refusal came before the answer to the flush, and ends it in this turn
    await immediate();
    if (subscription.isClosed()) {
      throw new NotConnectedError(
        `${place} does not let us listen to ${subject}. Have the account allowed to subscribe there.`,
      );
    }
    return `subject ${subject}`;
  }

  /** Only we have such a message; how much we hold while the store is down has a limit. */
  #hear(one: Msg): void {
    if (this.#intake.isOver) return;
    if (!this.#intake.takeOnlyCopy(one.data.length, () => this.#take(one))) this.#drop(one);
  }

  #drop(one: Msg): void {
    if (this.#lent.settings.answer !== 'none' && (one.reply ?? '') !== '') {
      one.respond(undefined, { headers: failure('503', 'too many messages wait to be stored') });
      return;
    }
    if (!this.#intake.isNews('dropped')) return;
    this.#lent.event(
      'error',
      'message-lost',
      `Messages of ${this.#session.place} are lost: so many wait to be stored that no more are kept in memory, and they are of no stream that would keep them. Take them from a stream.`,
    );
  }

  /** Hands messages on in their order, as many at a time as allowed. */
  #follow<One>(messages: AsyncIterable<One>, take: (one: One) => Promise<void>, why: string): void {
    const following = async (): Promise<void> => {
      for await (const one of messages) {
        if (this.#intake.isOver) break;
        await this.#intake.takeInTurn(() => take(one));
      }
      throw new NotConnectedError(`${why}. It is opened again.`);
    };
    following().catch((error: unknown) => {
      const told =
        error instanceof NotConnectedError
          ? error
          : new NotConnectedError(`${why}. It is opened again.`, { cause: error });
      this.#intake.lose(told);
    });
  }

  /** A message of a stream: acknowledged once it is stored, handed out again until it is. */
  async #keep(one: JsMsg): Promise<void> {
    this.#atWork.add(one);
    try {
      await this.#lent.deliver(this.#messageOf(one, `${one.info.stream}:${one.seq}`));
      one.ack();
    } catch (error) {
      const isFinal = error instanceof EngineError && !error.retryable;
      const wait = FIRST_WAIT * 2 ** (one.info.deliveryCount - 1);
      one.nak(isFinal ? LONGEST_WAIT : Math.min(wait, LONGEST_WAIT));
      const what = `message ${one.seq} of the stream ${one.info.stream}`;
      this.#intake.tell({ retryable: !isFinal }, `${this.#session.place}: ${what}`);
    } finally {
      this.#atWork.delete(one);
    }
  }

  /** One timer for all: one for each message cost as much as everything else that is done with it. */
  async #sayAtWork(): Promise<void> {
    const { signal } = this.#over;
    for (;;) {
      await pause(AT_WORK, signal);
      if (signal.aborted) return;
      for (const one of this.#atWork) one.working();
    }
  }

  /** A message that only we have: a requester is told, otherwise it is kept until it is stored. */
  async #take(one: Msg): Promise<void> {
    const { answer } = this.#lent.settings;
    const message = this.#messageOf(one, undefined);
    if (answer === 'none' || (one.reply ?? '') === '') {
      await untilStored(this.#lent, {
        message,
        what: `A message of ${this.#session.place}`,
        because: 'it is of no stream that would keep it',
        signal: this.#intake.signal,
        waits: () => this.#intake.tell({ retryable: true }, `${this.#session.place}: a message`),
      });
      return;
    }
    try {
      if (answer === 'stored') {
        await this.#lent.deliver(message);
        one.respond();
        return;
      }
      const timeout = this.#lent.settings.answerTimeout;
      answerWith(one, await this.#lent.deliver(message, { reply: true, timeout }));
    } catch (error) {
      // the engine reports why; the requester is told to send it again
      this.#lent.log.debug({ err: error }, 'message not stored');
      one.respond(undefined, { headers: failure('503', 'the message was not stored') });
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

/** The way NATS services report a failed request. */
function failure(code: string, text: string): MsgHdrs {
  const header = headers();
  header.set('Nats-Service-Error-Code', code);
  header.set('Nats-Service-Error', text);
  return header;
}
