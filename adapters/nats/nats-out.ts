import { type Lent, outbound, setting } from 'waybill/adapter';
import { namedTemplate } from 'waybill/peer';
import { connectNats } from './connect.ts';
import { NatsSender } from './nats-sender.ts';
import { natsSettings, subjectTemplate } from './nats-settings.ts';
import { tryNats } from './nats-test.ts';

export const natsOutSettings = {
  ...natsSettings,
  subject: subjectTemplate({
    help: 'The subject of each message, with expressions in braces. What a value has that cannot stand in one word of a subject (dots, blanks, * and >) becomes _.',
    example: 'lab.results.{field("MSH-4")}',
  }),
  how: setting.choice(
    {
      stored: 'To a stream of JetStream, which confirms that it is stored there',
      request: 'As a request: whoever answers gives the reply',
      publish: 'To whoever listens just now; that somebody does, nobody knows',
    },
    { help: 'How messages are sent.', default: 'stored' },
  ),
  stream: setting.optional(
    setting.text({
      help: 'With how: stored, the stream that must take the message; another one refuses it.',
      example: 'RESULTS',
      advanced: true,
    }),
  ),
  headers: setting.list(
    namedTemplate(
      'A header as Name: value; the value may have expressions in braces.',
      'Patient: {field("PID-3.1")}',
    ),
    {
      help: 'Headers besides Content-Type and Nats-Msg-Id.',
      example: 'Patient: {field("PID-3.1")}',
    },
  ),
  messageId: setting.optional(
    setting.template({
      help: 'Nats-Msg-Id, by which a stream knows a repetition and stores it once. Left out, it is the number of the message with the name of the production.',
      example: '{field("MSH-10")}',
      advanced: true,
    }),
  ),
  timeout: setting.duration({
    help: 'How long the confirmation or the reply is waited for.',
    default: '10s',
  }),
};

export type NatsOutLent = Lent<typeof natsOutSettings>;

const AGAIN = ['retry', 'fail'];

export default outbound({
  type: 'nats-out',
  title: 'NATS, sending and asking',
  summary:
    'Publishes each message on a subject of another NATS server, to a stream that confirms it, to whoever listens, or as a request whose reply is the answer.',
  settings: natsOutSettings,
  replies: {
    OK: 'complete',
    // an earlier try whose confirmation was not heard
    REPEATED: 'complete',
    // nobody listens, or no stream takes the subject
    NOBODY: AGAIN,
    FULL: AGAIN,
    // every message would be refused
    DENIED: 'stop',
    '4xx': 'fail',
    '5xx': AGAIN,
    none: AGAIN,
    other: 'fail',
  },
  async open(lent) {
    const session = await connectNats(lent, lent.signal);
    lent.connection('connected', session.facts);
    lent.event('info', 'connected', session.facts);
    return new NatsSender(lent, session);
  },
  test: (lent, step) => tryNats(lent, step),
});
