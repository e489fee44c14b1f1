import { inbound, type LentInbound, type SettingsFault, setting } from 'waybill/adapter';
import { keptOpen } from 'waybill/peer';
import { NatsReader } from './nats-reader.ts';
import { natsSettings, subjectPattern } from './nats-settings.ts';
import { tryNats } from './nats-test.ts';

export const natsInSettings = {
  ...natsSettings,
  subject: setting.optional(
    subjectPattern({
      help: 'The subject, with * for one word and > for the rest. With stream, what of it is taken by a consumer that is made; left out there, all.',
      example: 'lab.results.>',
    }),
  ),
  stream: setting.optional(
    setting.text({
      help: 'A stream of JetStream. A message is then acknowledged once it is stored here, and handed out again until it is. Without it messages are heard as they are published: what is published while nobody listens is not here.',
      example: 'RESULTS',
    }),
  ),
  consumer: setting.optional(
    setting.text({
      help: 'With stream, the durable consumer whose position is used. It is made if it is missing. Left out, its name is that of the production with that of the service.',
      example: 'waybill-results',
    }),
  ),
  begin: setting.choice(
    { all: 'With the first message that the stream holds', new: 'With what comes from now on' },
    { help: 'With stream, where a consumer begins that is made.', default: 'all' },
  ),
  group: setting.optional(
    setting.text({
      help: 'Without stream, the queue group: each message goes to one of its members, so that several engines take each once. Left out, it is that of this service.',
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
      help: 'Without stream, what who asks (a request) is answered. If the message cannot be stored, or went wrong at its target, the answer has the headers Nats-Service-Error and Nats-Service-Error-Code.',
      default: 'none',
    },
  ),
  answerTimeout: setting.duration({
    help: 'With answer: target, how long it is waited for.',
    default: '30s',
  }),
  type: setting.optional(
    setting.text({
      help: 'The type of the messages. Left out, it is what the header Content-Type says, else that of the bytes.',
      example: 'application/json',
    }),
  ),
  parallel: setting.integer({
    help: 'How many messages are stored at a time. With 1 they are stored in the order in which they come.',
    default: 1,
    minimum: 1,
    maximum: 256,
    advanced: true,
  }),
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
