import type { ConfirmChannel, Options } from 'amqplib';
import {
  background,
  type Lent,
  type Message,
  NotConnectedError,
  type OpenOutbound,
  outbound,
  type Reply,
  setting,
  toldElsewhere,
} from 'waybill/adapter';
import { asBuffer, InTime, namedTemplate, UnderWay } from 'waybill/peer/basics';
import { contentTypeOf } from 'waybill/peer/http';
import { amqpSettings } from './amqp-settings.ts';
import { tryAmqp } from './amqp-test.ts';
import { type AmqpSession, connectAmqp } from './connect.ts';

export const amqpOutSettings = {
  ...amqpSettings,
  exchange: setting.text({
    help: 'The exchange, which must exist. If left out, the default one, where routingKey names a queue.',
    example: 'results',
    default: '',
  }),
  routingKey: setting.template({
    help: 'The routing key, with expressions in braces; with the default exchange the name of a queue.',
    example: 'lab.{field("MSH-4")}',
  }),
  persistent: setting.flag({
    help: 'Whether durable queues keep the messages when the broker starts again.',
    default: true,
  }),
  mandatory: setting.flag({
    help: 'Whether a message that no queue gets comes back; the code is then UNROUTED. Otherwise the broker drops it.',
    default: true,
  }),
  headers: setting.list(
    namedTemplate(
      'A header as Name: value; the value may have expressions in braces.',
      'x-patient: {field("PID-3.1")}',
    ),
    { help: 'Headers of each message.', example: 'x-patient: {field("PID-3.1")}' },
  ),
  messageId: setting.optional(
    setting.template({
      help: 'The property message-id, by which a receiver can recognise a repetition. If left out, it is the number of the message with the name of the production.',
      example: '{field("MSH-10")}',
      advanced: true,
    }),
  ),
  expiration: setting.optional(
    setting.duration({
      help: 'How long an unread message stays in its queue.',
      example: '1h',
      advanced: true,
    }),
  ),
  timeout: setting.duration({
    help: 'How long to wait for the confirmation of the broker.',
    default: '30s',
  }),
};

export type AmqpOutLent = Lent<typeof amqpOutSettings>;

const AGAIN = ['retry', 'fail'];

export default outbound({
  type: 'amqp-out',
  title: 'AMQP 0-9-1 (RabbitMQ), sending',
  summary:
    'Publishes each message to an exchange of a RabbitMQ broker, and is done once the broker has confirmed it.',
  settings: amqpOutSettings,
  replies: {
    OK: 'complete',
    // no queue is bound yet, or a queue is full
    UNROUTED: ['retry', 'suspend'],
    NACKED: AGAIN,
    TOOLARGE: 'fail',
    // every message would be refused
    NOEXCHANGE: 'stop',
    DENIED: 'stop',
    none: AGAIN,
    other: 'fail',
  },
  async open(lent) {
    const session = await connectAmqp(lent, lent.signal);
    lent.connection('connected', session.facts);
    lent.event('info', 'connected', session.facts);
    return new AmqpSender(lent, session);
  },
  test: (lent, step) =>
    tryAmqp(lent, step, async (channel) => {
      const { exchange } = lent.settings;
      if (exchange === '') return undefined;
      await channel.checkExchange(exchange);
      return `the exchange ${exchange} is there`;
    }),
});

/** A channel with the message in flight on it. */
interface Line {
  readonly channel: ConfirmChannel;
  publication: Publication | undefined;
}

interface Publication extends PromiseWithResolvers<void> {
  /** Why no queue got it. */
  returned: string | undefined;
}

interface AmqpLetter {
  readonly key: string;
  readonly body: Buffer;
  readonly options: Options.Publish;
}

/** Publishes messages over one connection until that is lost: each on its own channel, so that a refusal can be attributed. */
class AmqpSender implements OpenOutbound {
  readonly #lent: AmqpOutLent;
  readonly #session: AmqpSession;
  readonly #sending = new UnderWay();
  readonly #resting: Line[] = [];
  readonly #within: InTime;
  #lost: Error | undefined;

  constructor(lent: AmqpOutLent, session: AmqpSession) {
    this.#lent = lent;
    this.#session = session;
    const { timeout: time } = lent.settings;
    this.#within = new InTime({
      time,
      late: () =>
        `${session.place} did not confirm the message within ${time} ms, and whether it has it is not known. It is sent again with the same message-id.`,
      givenUp: () => this.#endConnection(),
    });
    session.connection.on('blocked', () => {
      lent.connection('waiting', 'the broker takes nothing just now');
      lent.event(
        'warn',
        'blocked',
        `${session.place} takes nothing until it has memory or disk again.`,
      );
    });
    session.connection.on('unblocked', () => lent.connection('connected', session.facts));
    background(this.#watch(), 'hearing of a lost connection');
  }

  async send(message: Message, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    return await this.#sending.run(this.#send(message, signal));
  }

  async close(): Promise<void> {
    await this.#sending.ended();
    this.#within.close();
    // a lost one is closed already
    await this.#session.connection.close().catch(() => undefined);
  }

  async #send(message: Message, signal: AbortSignal): Promise<Reply> {
    const options = await this.#options(message);
    const key = await this.#lent.settings.routingKey.render(message);
    const body = asBuffer(message.body.inline ?? (await message.body.bytes()));
    signal.throwIfAborted();
    this.#throwIfLost();
    return await this.#within.run(this.#sendOn({ key, body, options }), signal);
  }

  async #sendOn(letter: AmqpLetter): Promise<Reply> {
    const line = this.#resting.pop() ?? (await this.#line());
    const publication: Publication = { returned: undefined, ...Promise.withResolvers<void>() };
    line.publication = publication;
    try {
      this.#publish(line.channel, publication, letter);
      await publication.promise;
      line.publication = undefined;
      this.#resting.push(line);
      return verdict(publication);
    } catch (error) {
      line.publication = undefined;
      // a refusal has closed it; after a lack of room it is not used again either
      line.channel.close().catch(toldElsewhere);
      this.#throwIfLost();
      return refused(error);
    }
  }

  async #options(message: Message): Promise<Options.Publish> {
    const { settings, production } = this.#lent;
    const headers: Record<string, string> = {};
    for (const { name, value } of settings.headers) headers[name] = await value.render(message);
    return {
      contentType: contentTypeOf(message.type, message.charset),
      messageId: (await settings.messageId?.render(message)) ?? `${production}.${message.id}`,
      timestamp: Math.round(message.created / 1_000),
      persistent: settings.persistent,
      mandatory: settings.mandatory,
      headers,
      ...(settings.expiration !== undefined && { expiration: settings.expiration }),
    };
  }

  async #line(): Promise<Line> {
    const channel = await this.#session.connection.createConfirmChannel();
    const line: Line = { channel, publication: undefined };
    channel.on('return', ({ fields }: { fields: { replyText?: string } }) => {
      if (line.publication !== undefined)
        line.publication.returned = fields.replyText ?? 'NO_ROUTE';
    });
    // a refusal closes the channel, with the reason
    channel.on('error', (error) => this.#ended(line, error));
    channel.on('close', () => this.#ended(line, new Error('channel closed')));
    return line;
  }

  #ended(line: Line, reason: unknown): void {
    line.publication?.reject(reason);
    const at = this.#resting.indexOf(line);
    if (at >= 0) this.#resting.splice(at, 1);
  }

  #publish(
    channel: ConfirmChannel,
    { resolve, reject }: Publication,
    { key, body, options }: AmqpLetter,
  ): void {
    channel.publish(this.#lent.settings.exchange, key, body, options, (error: unknown) => {
      // a closing channel also refuses messages in flight; its event says why
      if (error !== null && error !== undefined) setImmediate(() => reject(new Nacked()));
      else resolve();
    });
  }

  /** An abandoned message must not arrive after those that follow: they use another connection. */
  #endConnection(): void {
    const { connection, place } = this.#session;
    this.#lost ??= new NotConnectedError(
      `The connection to ${place} was ended, as a message on it was given up. It is opened again.`,
    );
    connection.close().catch(toldElsewhere);
  }

  #throwIfLost(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  async #watch(): Promise<void> {
    const reason = await this.#session.ended;
    this.#lost ??= reason;
    this.#within.close();
    this.#lent.connection('disconnected');
  }
}

class Nacked extends Error {
  override readonly name = 'Nacked';
}

const reply = (code: string, text: string): Reply => ({
  body: Buffer.alloc(0),
  type: 'text/plain',
  code,
  text,
});

const verdict = ({ returned }: Publication): Reply =>
  returned === undefined
    ? reply('OK', 'confirmed')
    : reply('UNROUTED', `no queue got it: ${returned}`);

/** By the reply codes of AMQP 0-9-1 (1.9). Rethrows anything that is not an answer of the broker. */
function refused(error: unknown): Reply {
  if (error instanceof Nacked)
    return reply('NACKED', 'the broker did not take it: a queue is full, or it failed');
  const { code, message = '' } = error as { code?: unknown; message?: string };
  if (code === 404) return reply('NOEXCHANGE', message);
  if (code === 403) return reply('DENIED', message);
  if (code === 406 && /size/i.test(message)) return reply('TOOLARGE', message);
  if (typeof code === 'number') return reply(String(code), message);
  throw error;
}
