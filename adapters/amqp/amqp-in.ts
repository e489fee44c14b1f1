import type { Channel, ConsumeMessage } from 'amqplib';
import {
  EngineError,
  inbound,
  type LentInbound,
  type NewMessage,
  NotConnectedError,
  setting,
  toldElsewhere,
} from 'waybill/adapter';
import { Intake, type Kept, keptOpen, parallelSetting } from 'waybill/peer/basics';
import { describedBody } from 'waybill/peer/http';
import { amqpSettings } from './amqp-settings.ts';
import { tryAmqp } from './amqp-test.ts';
import { type AmqpSession, connectAmqp } from './connect.ts';
import { refusedSetting, settleRefused } from './refused.ts';
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
  readonly #intake: Intake;
  #tag = '';

  private constructor(lent: AmqpInLent, session: AmqpSession, channel: Channel) {
    this.#lent = lent;
    this.#session = session;
    this.#channel = channel;
    this.#intake = new Intake(lent, lent.settings.parallel);
    this.#intake.watch(session.ended);
  }

  get lost(): Promise<Error> {
    return this.#intake.lost;
  }

  /** Connects, and takes messages from then on. Throws the errors of connecting. */
  static async open(lent: AmqpInLent, signal: AbortSignal): Promise<AmqpReader> {
    const session = await connectAmqp(lent, signal);
    try {
      const channel = await session.connection.createChannel();
      const reader = new AmqpReader(lent, session, channel);
      await reader.#begin();
      reader.#intake.opened(`${session.facts}, queue ${lent.settings.queue}`);
      return reader;
    } catch (error) {
      // a connection that is gone is closed already
      await session.connection.close().catch(() => undefined);
      throw explainedQueue(error, session.place, lent.settings.queue);
    }
  }

  async close(): Promise<void> {
    this.#intake.stop();
    // closing the channel returns unstored messages to the queue; a lost channel already has
    await this.#channel.cancel(this.#tag).catch(toldElsewhere);
    await this.#intake.finish();
    // neither needs closing where the broker closed it before us
    await this.#channel.close().catch(toldElsewhere);
    await this.#session.connection.close().catch(toldElsewhere);
  }

  async #begin(): Promise<void> {
    const { queue, prefetch, parallel } = this.#lent.settings;
    const refused = Promise.withResolvers<never>();
    this.#channel.on('error', (error: Error) => {
      refused.reject(error);
      this.#intake.lose(explainedQueue(error, this.#session.place, queue));
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
      this.#intake.lose(new NotConnectedError(`The queue ${queue} is gone. Have it made again.`));
      return;
    }
    this.#intake.take(() => this.#keep(message));
  }

  async #keep(message: ConsumeMessage): Promise<void> {
    await this.#intake.keep(() => this.#store(message), { what: this.#what });
  }

  async #store(message: ConsumeMessage): Promise<void> {
    try {
      await this.#lent.deliver(this.#messageOf(message));
      this.#channel.ack(message);
    } catch (error) {
      await settleRefused(error, {
        refused: this.#lent.settings.refused,
        signal: this.#intake.signal,
        settle: (fate) => {
          if (fate === 'discard') this.#channel.ack(message);
          else this.#channel.nack(message, false, fate === 'requeue');
        },
        what: this.#what(),
        event: this.#lent.event,
      });
    }
  }

  readonly #what = (): string =>
    `${this.#session.place}: a message of the queue ${this.#lent.settings.queue}`;

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
