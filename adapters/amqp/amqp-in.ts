import type { Channel, ConsumeMessage } from 'amqplib';
import {
  background,
  EngineError,
  inbound,
  isTold,
  type LentInbound,
  type NewMessage,
  NotConnectedError,
  setting,
  toldElsewhere,
} from 'waybill/adapter';
import {
  describedBody,
  type Kept,
  keepStoring,
  keptOpen,
  newsFilter,
  Paced,
  parallelSetting,
  UnderWay,
} from 'waybill/peer';
import { amqpSettings } from './amqp-settings.ts';
import { tryAmqp } from './amqp-test.ts';
import { type AmqpSession, connectAmqp } from './connect.ts';
import { refusedSetting, storeOrRefuse } from './refused.ts';
import { typeSetting } from './type-setting.ts';

export const amqpInSettings = {
  ...amqpSettings,
  queue: setting.text({
    help: 'The queue, which must exist: it is neither created nor changed.',
    example: 'hub.results',
  }),
  type: typeSetting,
  refused: refusedSetting(
    'hold',
    'It is rejected: it goes to the dead-letter exchange of the queue, and is lost if that has none',
  ),
  prefetch: setting.integer({
    help: 'How many messages the broker hands out before the first of them is acknowledged.',
    default: 20,
    minimum: 1,
    maximum: 2_000,
    advanced: true,
  }),
  parallel: parallelSetting,
};

export type AmqpInLent = LentInbound<typeof amqpInSettings>;

export default inbound({
  type: 'amqp-in',
  title: 'AMQP 0-9-1 (RabbitMQ), receiving',
  summary:
    'Takes the messages of a queue of a RabbitMQ broker, and acknowledges each once it is stored.',
  settings: amqpInSettings,
  open: (lent) => keptOpen(lent, (signal) => AmqpReader.open(lent, signal)),
  test: (lent, step) =>
    tryAmqp(lent, step, async (channel) => {
      const { queue, messageCount, consumerCount } = await channel.checkQueue(lent.settings.queue);
      return `${queue} holds ${messageCount} messages and has ${consumerCount} consumers`;
    }),
});

/** Takes the messages of a queue over one connection. */
class AmqpReader implements Kept {
  readonly #lent: AmqpInLent;
  readonly #session: AmqpSession;
  readonly #channel: Channel;
  readonly #storing = new UnderWay();
  readonly #paced: Paced;
  readonly #isNews = newsFilter();
  readonly #closing = new AbortController();
  readonly #lost = Promise.withResolvers<Error>();
  readonly lost = this.#lost.promise;
  #tag = '';

  private constructor(lent: AmqpInLent, session: AmqpSession, channel: Channel) {
    this.#lent = lent;
    this.#session = session;
    this.#channel = channel;
    this.#paced = new Paced(lent.settings.parallel);
    background(this.#watch(), 'hearing of a lost connection');
  }

  /** Connects, and takes messages from then on. Throws the errors of connecting. */
  static async open(lent: AmqpInLent, signal: AbortSignal): Promise<AmqpReader> {
    const session = await connectAmqp(lent, signal);
    try {
      const channel = await session.connection.createChannel();
      const reader = new AmqpReader(lent, session, channel);
      await reader.#begin();
      const state = `${session.facts}, queue ${lent.settings.queue}`;
      lent.connection('connected', state);
      lent.event('info', 'connected', state);
      return reader;
    } catch (error) {
      // a connection that is gone is closed already
      await session.connection.close().catch(() => undefined);
      throw explainedQueue(error, session.place, lent.settings.queue);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('closed'));
    // closing the channel returns unstored messages to the queue; a lost channel already has
    await this.#channel.cancel(this.#tag).catch(toldElsewhere);
    if (!this.#lent.signal.aborted) await this.#storing.ended();
    // neither needs closing where the broker closed it before us
    await this.#channel.close().catch(toldElsewhere);
    await this.#session.connection.close().catch(toldElsewhere);
  }

  async #begin(): Promise<void> {
    const { queue, prefetch, parallel } = this.#lent.settings;
    const refused = Promise.withResolvers<never>();
    this.#channel.on('error', (error: Error) => {
      refused.reject(error);
      this.#lose(explainedQueue(error, this.#session.place, queue));
    });
    // who races with it below is told
    refused.promise.catch(toldElsewhere);
    await this.#channel.prefetch(Math.max(prefetch, parallel));
    const consuming = this.#channel.consume(queue, (message) => this.#heard(message));
    const { consumerTag } = await Promise.race([consuming, refused.promise]);
    this.#tag = consumerTag;
  }

  #heard(message: ConsumeMessage | null): void {
    if (message === null) {
      const { queue } = this.#lent.settings;
      this.#lose(new NotConnectedError(`The queue ${queue} is gone. Have it made again.`));
      return;
    }
    if (this.#closing.signal.aborted) return;
    const keeping = this.#paced.run(() => this.#keep(message));
    background(this.#storing.run(keeping), 'taking a message', isTold);
  }

  async #keep(message: ConsumeMessage): Promise<void> {
    const { refused, queue } = this.#lent.settings;
    const { signal } = this.#closing;
    const storing = async (): Promise<void> => {
      await this.#lent.deliver(this.#messageOf(message));
      this.#channel.ack(message);
    };
    const store = (): Promise<void> =>
      storeOrRefuse(storing, {
        refused,
        signal,
        settle: (fate) => {
          if (fate === 'discard') this.#channel.ack(message);
          else this.#channel.nack(message, false, fate === 'requeue');
        },
        what: `${this.#session.place}: a message of the queue ${queue}`,
        event: this.#lent.event,
      });
    await keepStoring(store, { waits: (error) => this.#tell(error), signal });
  }

  #messageOf({ content, properties, fields }: ConsumeMessage): NewMessage {
    const { contentType, messageId } = properties as { contentType?: string; messageId?: string };
    const { queue, type } = this.#lent.settings;
    return {
      body: content,
      ...describedBody(content, contentType, type),
      origin: `${this.#session.place}/${queue}/${fields.routingKey}`,
      ...(messageId !== undefined && messageId !== '' && { dedupeKey: messageId }),
    };
  }

  #tell({ retryable }: EngineError): void {
    if (!this.#isNews(String(retryable))) return;
    const { queue } = this.#lent.settings;
    const why = retryable ? 'cannot be stored' : 'is refused for good';
    this.#lent.event(
      retryable ? 'warn' : 'error',
      'not-stored-yet',
      `${this.#session.place}: a message of the queue ${queue} ${why}; it is kept and tried again.`,
    );
  }

  #lose(reason: Error): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(reason);
    this.#lent.connection('disconnected');
    this.#lost.resolve(reason);
  }

  async #watch(): Promise<void> {
    this.#lose(await this.#session.ended);
  }
}

function explainedQueue(error: unknown, place: string, queue: string): Error {
  const { code } = error as { code?: unknown };
  const told = (what: string): Error =>
    new NotConnectedError(`${place} ${what}.`, { cause: error });
  if (code === 404)
    return told(`has no queue ${queue}. Correct the name, or have it made; is it the right vhost?`);
  if (code === 403)
    return told(
      `does not let us read the queue ${queue}. Have the account permitted, or another consumer end that has it for itself`,
    );
  if (code === 405)
    return told(
      `keeps the queue ${queue} for the connection that made it. Have it made without exclusive`,
    );
  return error instanceof EngineError
    ? error
    : told(`ended the channel of the queue ${queue}. Look at the log of the broker`);
}
