import { type Lent, outbound, setting } from 'waybill/adapter';
import { namedTemplate } from 'waybill/peer';
import { AmqpSender } from './amqp-sender.ts';
import { amqpSettings } from './amqp-settings.ts';
import { tryAmqp } from './amqp-test.ts';
import { connectAmqp } from './connect.ts';

export const amqpOutSettings = {
  ...amqpSettings,
  exchange: setting.text({
    help: 'The exchange, which must be there. Left out, the default one, where routingKey names a queue.',
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
      help: 'The property message-id, by which a receiver can know a repetition. Left out, it is the number of the message with the name of the production.',
      example: '{field("MSH-10")}',
      advanced: true,
    }),
  ),
  expiration: setting.optional(
    setting.duration({
      help: 'After how long a message that nobody took is removed from its queue.',
      example: '1h',
      advanced: true,
    }),
  ),
  timeout: setting.duration({
    help: 'How long the confirmation of the broker is waited for.',
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
