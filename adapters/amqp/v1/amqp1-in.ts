import type { Delivery, EventContext, Message, Receiver } from 'rhea';
import {
  background,
  type EngineError,
  inbound,
  isTold,
  type LentInbound,
  type NewMessage,
  pause,
  setting,
  TemporaryError,
} from 'waybill/adapter';
import { Intake, type Kept, keptOpen, parallelSetting } from 'waybill/peer/basics';
import { describedBody } from 'waybill/peer/http';
import { refusedSetting, settleRefused } from '../refused.ts';
import { typeSetting } from '../type-setting.ts';
import { amqp1Settings } from './amqp1-settings.ts';
import { tryAmqp1 } from './amqp1-test.ts';
import { type Amqp1Session, connectAmqp1 } from './connect.ts';
import { attached, countAsBroker, NoSession } from './link.ts';

export const amqp1InSettings = {
  ...amqp1Settings,
  address: setting.text({
    help: 'What is read: at Service Bus a queue, or `topic/subscriptions/name`; at RabbitMQ `/queues/name`. It must exist.',
    example: 'lab-results',
  }),
  session: setting.optional(
    setting.text({
      help: 'For a queue with sessions (Service Bus): the id of one, or `*` for each that has messages, one after another.',
      example: '*',
    }),
  ),
  type: typeSetting,
  refused: refusedSetting(
    'dead-letter',
    'It is rejected with the reason, which puts it into the dead-letter queue where there is one',
  ),
  holdFor: setting.duration({
    help: 'How long messages are held while they cannot be stored; then they go back to the broker and are taken again later. Less than the lock duration of the queue.',
    default: '20s',
    advanced: true,
  }),
  sessionIdle: setting.duration({
    help: 'With session `*`: after so long without a message the session is left for the next one.',
    default: '2s',
    advanced: true,
  }),
  prefetch: setting.integer({
    help: 'The credit: how many messages the broker hands out before the first of them is settled.',
    default: 20,
    minimum: 1,
    maximum: 2_000,
    advanced: true,
  }),
  parallel: parallelSetting,
};

type Amqp1InLent = LentInbound<typeof amqp1InSettings>;

export default inbound({
  type: 'amqp1-in',
  title: 'AMQP 1.0 (Azure Service Bus), receiving',
  summary:
    'Takes the messages of a queue or subscription by AMQP 1.0 (Azure Service Bus, RabbitMQ 4, Artemis), and settles each once it is stored.',
  settings: amqp1InSettings,
  open: (lent) => keptOpen(lent, (signal) => Amqp1Reader.open(lent, signal)),
  test: (lent, step) => tryAmqp1(lent, step, 'receiver'),
});

const SESSION_FILTER = 'com.microsoft:session-filter';
/** Service Bus answers after a minute if no session has messages. */
const SESSION_WITHIN = 90_000;
/** Before a session is asked for again, in milliseconds. */
const NEXT_SESSION = 500;

/** Takes the messages of an address over one connection. */
class Amqp1Reader implements Kept {
  readonly #lent: Amqp1InLent;
  readonly #session: Amqp1Session;
  readonly #intake: Intake;
  #receiver: Receiver | undefined;
  #idle: NodeJS.Timeout | undefined;

  private constructor(lent: Amqp1InLent, session: Amqp1Session) {
    this.#lent = lent;
    this.#session = session;
    this.#intake = new Intake(lent, lent.settings.parallel);
    this.#intake.watch(session.ended);
  }

  get lost(): Promise<Error> {
    return this.#intake.lost;
  }

  /** Connects, and takes messages from then on. Throws the errors of connecting. */
  static async open(lent: Amqp1InLent, signal: AbortSignal): Promise<Amqp1Reader> {
    const session = await connectAmqp1(lent, signal);
    const reader = new Amqp1Reader(lent, session);
    try {
      await session.authorize(lent.settings.address, signal);
      const { address, session: wanted } = lent.settings;
      if (wanted !== '*') await reader.#attach(signal);
      else background(reader.#eachSession(), 'taking the sessions of a queue', isTold);
      reader.#intake.opened(`${session.facts}, ${address}`);
      return reader;
    } catch (error) {
      reader.#intake.stop();
      await session.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#intake.finish();
    // what is not settled goes back to the queue with the link
    await this.#session.close();
  }

  async #attach(signal: AbortSignal): Promise<void> {
    const { address, session, prefetch, parallel, connectTimeout } = this.#lent.settings;
    const filter =
      session === undefined
        ? {}
        : { filter: { [SESSION_FILTER]: session === '*' ? null : session } };
    const receiver = this.#session.connection.open_receiver({
      source: { address, ...filter },
      credit_window: 0,
      autoaccept: false,
      autosettle: true,
      rcv_settle_mode: 0,
    } as unknown as Parameters<Amqp1Session['connection']['open_receiver']>[0]);
    this.#receiver = receiver;
    receiver.on('message', (context: EventContext) => this.#heard(receiver, context));
    await attached(receiver, {
      place: this.#session.place,
      address,
      signal,
      within: session === undefined ? connectTimeout : Math.max(connectTimeout, SESSION_WITHIN),
      lost: (reason) => {
        if (this.#receiver === receiver && !(reason instanceof NoSession))
          this.#intake.lose(reason);
      },
    });
    countAsBroker(receiver);
    receiver.add_credit(Math.max(prefetch, parallel));
  }

  /** One session after another, each until it has been silent for a while. */
  async #eachSession(): Promise<void> {
    const { signal } = this.#intake;
    while (!signal.aborted) {
      try {
        await this.#attach(signal);
        await this.#untilIdle();
        this.#detach();
      } catch (error) {
        if (!(error instanceof NoSession)) {
          this.#intake.lose(error as Error);
          return;
        }
        this.#receiver = undefined;
        await pause(NEXT_SESSION, signal);
      }
    }
  }

  #detach(): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    receiver?.close();
  }

  /** Resolves once no message has come for `sessionIdle`, and none is being stored. */
  async #untilIdle(): Promise<void> {
    const { sessionIdle } = this.#lent.settings;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#quiet = () => {
      clearTimeout(this.#idle);
      this.#idle = setTimeout(resolve, sessionIdle);
    };
    this.#quiet();
    const stop = (): void => resolve();
    this.#intake.signal.addEventListener('abort', stop, { once: true });
    await promise;
    clearTimeout(this.#idle);
    await this.#intake.stored();
  }

  #quiet: () => void = () => undefined;

  #heard(receiver: Receiver, { message, delivery }: EventContext): void {
    if (message === undefined || delivery === undefined || this.#intake.isOver) return;
    this.#quiet();
    this.#intake.take(() => this.#keep(receiver, message, delivery));
  }

  async #keep(receiver: Receiver, message: Message, delivery: Delivery): Promise<void> {
    const { holdFor } = this.#lent.settings;
    const store = (): Promise<void> => this.#store(receiver, message, delivery);
    const isDone = await this.#intake.keep(store, { what: this.#what, holdFor });
    if (isDone || this.#intake.isOver) return;
    this.#intake.lose(
      new TemporaryError(
        `${this.#session.place}: messages of ${this.#lent.settings.address} could not be stored and went back to the broker. They are taken again soon.`,
      ),
    );
  }

  async #store(receiver: Receiver, message: Message, delivery: Delivery): Promise<void> {
    try {
      await this.#lent.deliver(this.#messageOf(message));
      delivery.accept();
    } catch (error) {
      await settleRefused(error, {
        refused: this.#lent.settings.refused,
        signal: this.#intake.signal,
        settle: (fate, why) => this.#refuse(delivery, fate, why),
        what: this.#what(),
        event: this.#lent.event,
      });
    }
    this.#quiet();
    receiver.add_credit(1);
  }

  readonly #what = (): string =>
    `${this.#session.place}: a message of ${this.#lent.settings.address}`;

  #refuse(
    delivery: Delivery,
    fate: 'dead-letter' | 'requeue' | 'discard',
    { code }: EngineError,
  ): void {
    if (fate === 'discard') delivery.accept();
    if (fate === 'requeue') delivery.modified({ delivery_failed: true });
    if (fate !== 'dead-letter') return;
    const description = `refused for good (${code})`;
    const reason = { DeadLetterReason: code, DeadLetterErrorDescription: description };
    const refusal = this.#session.claims
      ? { condition: 'com.microsoft:dead-letter', description, info: reason }
      : { condition: 'amqp:precondition-failed', description };
    delivery.reject(refusal);
  }

  #messageOf(message: Message): NewMessage {
    const { address, type } = this.#lent.settings;
    const { content, kind } = bodyOf(message);
    const contentType = typeof message.content_type === 'string' ? message.content_type : kind;
    const described = describedBody(content, contentType, type);
    return {
      body: content,
      type: described.type,
      charset: described.charset,
      origin: `${this.#session.place}/${address}`,
      dedupeKey: idOf(message),
    };
  }
}

interface Section {
  readonly content?: unknown;
  readonly multiple?: boolean;
}

/** The content of a message: data sections as they are, a text in UTF-8, any other value as JSON. */
function bodyOf({ body }: Message): {
  readonly content: Buffer;
  readonly kind: string | undefined;
} {
  const value = sectionOf(body);
  if (Buffer.isBuffer(value)) return { content: value, kind: undefined };
  if (Array.isArray(value) && value.length > 0 && value.every((one) => Buffer.isBuffer(one))) {
    return { content: Buffer.concat(value), kind: undefined };
  }
  if (typeof value === 'string') return { content: Buffer.from(value), kind: undefined };
  if (value === undefined || value === null) return { content: Buffer.alloc(0), kind: undefined };
  return { content: Buffer.from(JSON.stringify(value)), kind: 'application/json' };
}

function sectionOf(body: unknown): unknown {
  const isSection = typeof body === 'object' && body !== null && 'typecode' in body;
  return isSection ? (body as Section).content : body;
}

/** What a repetition has too: its message-id, or the number that Service Bus gives it; undefined for none. */
function idOf({ message_id: id, message_annotations: notes = {} }: Message): string | undefined {
  if (Buffer.isBuffer(id)) return id.toString('hex');
  if (id !== undefined && id !== null && String(id) !== '') return String(id);
  const number: unknown = notes['x-opt-sequence-number'];
  return typeof number === 'number' || Buffer.isBuffer(number)
    ? `sequence ${Buffer.isBuffer(number) ? number.toString('hex') : number}`
    : undefined;
}
