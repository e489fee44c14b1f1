import type { Message as AmqpMessage, Delivery, EventContext, Sender } from 'rhea';
import {
  background,
  EngineError,
  type Lent,
  type Message,
  NotConnectedError,
  type OpenOutbound,
  outbound,
  type Reply,
  setting,
  TemporaryError,
  timerTime,
} from 'waybill/adapter';
import { asBuffer, namedTemplate, UnderWay } from 'waybill/peer/basics';
import { contentTypeOf } from 'waybill/peer/http';
import { amqp1Settings } from './amqp1-settings.ts';
import { tryAmqp1 } from './amqp1-test.ts';
import { type Amqp1Session, connectAmqp1, loadRhea, symbol } from './connect.ts';
import { attached } from './link.ts';

export const amqp1OutSettings = {
  ...amqp1Settings,
  address: setting.text({
    help: 'Where messages go: at Service Bus a queue or topic; at RabbitMQ `/queues/name` or `/exchanges/name/key`. It must exist.',
    example: 'lab-orders',
  }),
  subject: setting.optional(
    setting.template({
      help: 'The property subject (Service Bus: label), by which subscriptions may filter.',
      example: '{type}',
    }),
  ),
  session: setting.optional(
    setting.template({
      help: 'The session the message belongs to (group-id), with expressions in braces; queues with sessions need one.',
      example: '{field("PID-3.1")}',
    }),
  ),
  properties: setting.list(
    namedTemplate(
      'An application property as Name: value; the value may have expressions in braces.',
      'patient: {field("PID-3.1")}',
    ),
    { help: 'Application properties of each message.', example: 'ward: {field("PV1-3.1")}' },
  ),
  annotations: setting.list(
    namedTemplate(
      'A message annotation as Name: value; the value may have expressions in braces.',
      'x-opt-partition-key: {field("PID-3.1")}',
    ),
    {
      help: 'Message annotations, which brokers act on.',
      example: 'x-opt-partition-key: {field("PID-3.1")}',
      advanced: true,
    },
  ),
  durable: setting.flag({
    help: 'Whether the broker keeps the messages when it starts again.',
    default: true,
  }),
  messageId: setting.optional(
    setting.template({
      help: 'The property message-id, by which a broker or receiver can recognise a repetition. If left out, it is the number of the message with the name of the production.',
      example: '{field("MSH-10")}',
      advanced: true,
    }),
  ),
  timeToLive: setting.optional(
    setting.duration({
      help: 'How long an unread message stays.',
      example: '1h',
      advanced: true,
    }),
  ),
  timeout: setting.duration({
    help: 'How long to wait for the broker to settle a message, or to have room for it.',
    default: '30s',
  }),
};

type Amqp1OutLent = Lent<typeof amqp1OutSettings>;

const AGAIN = ['retry', 'fail'];

export default outbound({
  type: 'amqp1-out',
  title: 'AMQP 1.0 (Azure Service Bus), sending',
  summary:
    'Sends each message to a queue or topic by AMQP 1.0 (Azure Service Bus, RabbitMQ 4, Artemis), and is done once the broker has accepted it.',
  settings: amqp1OutSettings,
  replies: {
    OK: 'complete',
    // nothing is bound to the exchange, or the broker gives it back
    RELEASED: ['retry', 'suspend'],
    MODIFIED: ['retry', 'suspend'],
    // a queue is full, or the broker is busy
    FULL: AGAIN,
    REJECTED: AGAIN,
    TOOLARGE: 'fail',
    none: AGAIN,
    other: 'fail',
  },
  async open(lent) {
    const session = await connectAmqp1(lent, lent.signal);
    try {
      return await Amqp1Sender.open(lent, session);
    } catch (error) {
      await session.close();
      throw error;
    }
  },
  test: (lent, step) => tryAmqp1(lent, step, 'sender'),
});

interface Opened {
  readonly session: Amqp1Session;
  readonly sender: Sender;
  /** Of the client, which is looked for once. */
  readonly dataSection: (bytes: Buffer) => AmqpMessage['body'];
}

/** Sends messages over one link until that is lost. */
class Amqp1Sender implements OpenOutbound {
  readonly #lent: Amqp1OutLent;
  readonly #session: Amqp1Session;
  readonly #sender: Sender;
  readonly #dataSection: Opened['dataSection'];
  readonly #sending = new UnderWay();
  readonly #inFlight = new Map<Delivery, PromiseWithResolvers<Reply>>();
  #credit = Promise.withResolvers<void>();
  #lost: Error | undefined;

  private constructor(lent: Amqp1OutLent, { session, sender, dataSection }: Opened) {
    this.#lent = lent;
    this.#session = session;
    this.#sender = sender;
    this.#dataSection = dataSection;
    sender.on('sendable', () => {
      this.#credit.resolve();
      this.#credit = Promise.withResolvers();
    });
    for (const outcome of ['accepted', 'released', 'rejected', 'modified'] as const) {
      sender.on(outcome, ({ delivery }: EventContext) => {
        if (delivery !== undefined)
          this.#inFlight.get(delivery)?.resolve(verdict(outcome, delivery));
      });
    }
    background(this.#watch(), 'hearing of a lost connection');
  }

  static async open(lent: Amqp1OutLent, session: Amqp1Session): Promise<Amqp1Sender> {
    const { address } = lent.settings;
    await session.authorize(address, lent.signal);
    const { message } = await loadRhea();
    const link = session.connection.open_sender({ target: { address }, autosettle: true });
    const dataSection: Opened['dataSection'] = (bytes) => message.data_section(bytes) as unknown;
    const sender = new Amqp1Sender(lent, { session, sender: link, dataSection });
    const { place } = session;
    await attached(link, {
      place,
      address,
      signal: lent.signal,
      within: lent.settings.connectTimeout,
      lost: (reason) => session.fail(reason),
    });
    lent.connection('connected', session.facts);
    lent.event('info', 'connected', session.facts);
    return sender;
  }

  async send(message: Message, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    return await this.#sending.run(this.#send(message, signal));
  }

  async close(): Promise<void> {
    await this.#sending.ended();
    await this.#session.close();
  }

  async #send(message: Message, signal: AbortSignal): Promise<Reply> {
    const bytes = asBuffer(message.body.inline ?? (await message.body.bytes()));
    const letter = await this.#letter(message, bytes);
    const { max_message_size: most } = this.#sender;
    if (most > 0 && bytes.length > most) {
      return reply('TOOLARGE', `the broker takes ${most} bytes at most`);
    }
    const until = performance.now() + this.#lent.settings.timeout;
    if (this.#lost !== undefined || signal.aborted || !this.#sender.sendable()) {
      await this.#room(until, signal);
    }
    const outcome = Promise.withResolvers<Reply>();
    const delivery = this.#sender.send(letter);
    this.#inFlight.set(delivery, outcome);
    const give = (): void => this.#giveUp(outcome, signal);
    signal.addEventListener('abort', give, { once: true });
    const late = setTimeout(give, timerTime(Math.max(0, Math.ceil(until - performance.now()))));
    try {
      return await outcome.promise;
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', give);
      this.#inFlight.delete(delivery);
    }
  }

  /** Waits for credit: a broker that is full gives none. */
  async #room(until: number, signal: AbortSignal): Promise<void> {
    const late = AbortSignal.timeout(timerTime(Math.max(0, Math.ceil(until - performance.now()))));
    const either = AbortSignal.any([signal, late]);
    for (;;) {
      if (this.#lost !== undefined) throw this.#lost;
      signal.throwIfAborted();
      if (either.aborted) {
        throw new TemporaryError(
          `${this.#session.place} gave no credit for a message to ${this.#lent.settings.address} within ${this.#lent.settings.timeout} ms: it is full or busy. It is sent again.`,
        );
      }
      if (this.#sender.sendable()) return;
      const woken = Promise.withResolvers<void>();
      const wake = (): void => woken.resolve();
      either.addEventListener('abort', wake, { once: true });
      await Promise.race([this.#credit.promise, woken.promise]);
      either.removeEventListener('abort', wake);
    }
  }

  /** An abandoned message must not arrive after those that follow: they use another connection. */
  #giveUp(outcome: PromiseWithResolvers<Reply>, signal: AbortSignal): void {
    const { place } = this.#session;
    outcome.reject(
      signal.aborted
        ? signal.reason
        : new EngineError(
            'REPLY_TIMEOUT',
            `${place} did not settle the message within ${this.#lent.settings.timeout} ms, and whether it has it is not known. It is sent again with the same message-id.`,
            { retryable: true },
          ),
    );
    this.#session.fail(
      new NotConnectedError(
        `The connection to ${place} was ended, as a message on it was given up. It is opened again.`,
      ),
    );
  }

  async #letter(message: Message, bytes: Buffer): Promise<AmqpMessage> {
    const { settings, production } = this.#lent;
    const subject = await settings.subject?.render(message);
    const group = await settings.session?.render(message);
    return {
      message_id: (await settings.messageId?.render(message)) ?? `${production}.${message.id}`,
      content_type: contentTypeOf(message.type, message.charset),
      creation_time: new Date(message.created),
      durable: settings.durable,
      ...(subject !== undefined && { subject }),
      ...(group !== undefined && { group_id: group }),
      ...(settings.timeToLive !== undefined && { ttl: settings.timeToLive }),
      ...(settings.properties.length > 0 && {
        application_properties: await filled(settings.properties, message),
      }),
      ...(settings.annotations.length > 0 && {
        message_annotations: await filled(settings.annotations, message),
      }),
      body: this.#dataSection(bytes),
    };
  }

  async #watch(): Promise<void> {
    const reason = await this.#session.ended;
    this.#lost ??= reason;
    this.#lent.connection('disconnected');
    for (const one of this.#inFlight.values()) one.reject(reason);
    this.#credit.resolve();
  }
}

async function filled(
  all: setting.ValuesOf<typeof amqp1OutSettings>['properties'],
  message: Message,
): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const { name, value } of all) values[name] = await value.render(message);
  return values;
}

const reply = (code: string, text: string): Reply => ({
  body: Buffer.alloc(0),
  type: 'text/plain',
  code,
  text,
});

type Outcome = 'accepted' | 'released' | 'rejected' | 'modified';

const FULL = new Set([
  'amqp:resource-limit-exceeded',
  'com.microsoft:server-busy',
  'com.microsoft:entity-quota-exceeded',
]);

function verdict(outcome: Outcome, { remote_state: state }: Delivery): Reply {
  if (outcome === 'accepted') return reply('OK', 'accepted');
  if (outcome !== 'rejected') {
    return reply(outcome.toUpperCase(), 'the broker gave it back: no queue got it');
  }
  const { error } = (state ?? {}) as { error?: { condition?: unknown } };
  const condition = symbol(error?.condition);
  if (condition === 'amqp:link:message-size-exceeded') return reply('TOOLARGE', condition);
  return reply(FULL.has(condition) ? 'FULL' : 'REJECTED', condition);
}
