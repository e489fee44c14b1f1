import { inbound, type LentInbound, setting } from 'waybill/adapter';
import { keptOpen } from 'waybill/peer';
import { AmqpReader } from './amqp-reader.ts';
import { amqpSettings } from './amqp-settings.ts';
import { tryAmqp } from './amqp-test.ts';

export const amqpInSettings = {
  ...amqpSettings,
  queue: setting.text({
    help: 'The queue, which must be there: it is neither made nor changed.',
    example: 'hub.results',
  }),
  type: setting.optional(
    setting.text({
      help: 'The type of the messages. Left out, it is what their content-type says, else that of the bytes.',
      example: 'application/json',
    }),
  ),
  prefetch: setting.integer({
    help: 'How many messages the broker hands out before the first of them is acknowledged.',
    default: 20,
    minimum: 1,
    maximum: 2_000,
    advanced: true,
  }),
  parallel: setting.integer({
    help: 'How many messages are stored at a time. With 1 they are stored in the order in which they come.',
    default: 1,
    minimum: 1,
    maximum: 256,
    advanced: true,
  }),
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
