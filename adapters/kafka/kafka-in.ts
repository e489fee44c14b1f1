import { inbound, type LentInbound, type SettingsFault, setting } from 'waybill/adapter';
import { keptOpen } from 'waybill/peer/basics';
import { kafkaSettings, topicSetting } from './kafka-settings.ts';
import { tryKafkaIn } from './kafka-test.ts';
import { KafkaReader } from './reader.ts';

export const kafkaInSettings = {
  ...kafkaSettings,
  topics: setting.list(topicSetting({ help: 'A topic, which must exist.', example: 'results' }), {
    help: 'The topics whose messages are taken. They are not created.',
    example: '["lab.results"]',
  }),
  group: setting.optional(
    setting.text({
      help: 'The consumer group, whose position the brokers keep: each message goes to one of its members, so all engines together take each once. If left out, its name is made of those of the production and the service.',
      example: 'hub-results',
    }),
  ),
  start: setting.choice(
    {
      earliest: 'With the oldest message that the topic holds',
      latest: 'With messages from now on',
    },
    { help: 'Where a group begins that has no position in a topic yet.', default: 'earliest' },
  ),
  as: setting.choice(
    {
      value: 'The value; the key becomes the name of the message',
      record:
        'JSON with topic, partition, offset, timestamp, key, headers and value; bytes that are no text are in keyBase64 and valueBase64',
    },
    { help: 'What becomes the message.', default: 'value' },
  ),
  tombstones: setting.choice(
    {
      deliver: 'As an empty message, named by its key; with as: record as a value that is null',
      skip: 'Not at all',
    },
    {
      help: 'What happens to a record without a value, which says that its key is deleted.',
      default: 'deliver',
      advanced: true,
    },
  ),
  type: setting.optional(
    setting.text({
      help: 'The type of the messages. If left out, it comes from the header content-type, or else from the bytes.',
      example: 'application/json',
    }),
  ),
  refused: setting.choice(
    {
      hold: 'It is kept and tried again; nothing behind it in its partition is taken until it was deleted there',
      discard: 'It is passed over, and an event reports its place; the topic still holds it',
    },
    {
      help: 'What happens to a message that the engine refuses for good, such as one above a limit. One that it cannot store now is always kept.',
      default: 'hold',
    },
  ),
  parallel: setting.integer({
    help: 'How many messages of one partition are stored at a time. With 1 they are stored in their order. Different partitions do not wait for each other.',
    default: 1,
    minimum: 1,
    maximum: 256,
    advanced: true,
  }),
  session: setting.duration({
    help: 'After how long without a sign of life others get the partitions of a killed engine.',
    default: '10s',
    advanced: true,
  }),
};

export type KafkaInLent = LentInbound<typeof kafkaInSettings>;
export type KafkaInValues = setting.ValuesOf<typeof kafkaInSettings>;

export default inbound({
  type: 'kafka-in',
  title: 'Apache Kafka, receiving',
  summary:
    'Takes the messages of topics of a Kafka cluster as a member of a consumer group, whose position moves once a message is stored.',
  settings: kafkaInSettings,
  check: (settings) => Promise.resolve(kafkaInFaults(settings)),
  open: (lent) => keptOpen(lent, (signal) => KafkaReader.open(lent, signal)),
  test: (lent, step) => tryKafkaIn(lent, step),
});

export function kafkaInFaults({ connect, topics }: KafkaInValues): SettingsFault[] {
  const faults: SettingsFault[] = [];
  const wrong = (path: string, remedy: string): void => {
    faults.push({ path: [path], what: 'is empty', remedy });
  };
  if (connect.length === 0) wrong('connect', 'Name a broker.');
  if (topics.length === 0) wrong('topics', 'Name at least one topic.');
  return faults;
}
