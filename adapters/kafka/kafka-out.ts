import { type Lent, outbound, type SettingsFault, setting } from 'waybill/adapter';
import { namedTemplate } from 'waybill/peer/basics';
import { kafkaSettings, TOPIC, topicTemplate } from './kafka-settings.ts';
import { tryKafka } from './kafka-test.ts';
import { KafkaSender } from './sender.ts';

export const kafkaOutSettings = {
  ...kafkaSettings,
  topic: topicTemplate({
    help: 'The topic, which must exist, with expressions in braces. Characters that a name cannot have become _.',
    example: 'lab.{field("MSH-4")}',
  }),
  key: setting.optional(
    setting.template({
      help: 'The key, with expressions in braces: messages of one key are in one partition, in their order. If left out, or empty, messages go to the partitions in turn.',
      example: '{field("PID-3.1")}',
    }),
  ),
  partition: setting.optional(
    setting.template({
      help: 'The number of the partition. If left out, it follows from the key, as it does with the clients of Kafka itself.',
      example: '0',
      advanced: true,
    }),
  ),
  headers: setting.list(
    namedTemplate(
      'A header as Name: value; the value may have expressions in braces.',
      'x-patient: {field("PID-3.1")}',
    ),
    {
      help: 'Headers of each message, besides content-type.',
      example: 'x-patient: {field("PID-3.1")}',
    },
  ),
  acks: setting.choice(
    {
      all: 'All copies that are up to date',
      leader: 'The broker that leads the partition: what only it has is lost with it',
    },
    { help: 'Who must have a message before it counts as sent.', default: 'all' },
  ),
  idempotent: setting.flag({
    help: 'Whether the brokers are to recognise a message that is sent again because its confirmation was lost. Works with acks: all alone.',
    default: true,
    advanced: true,
  }),
  compression: setting.choice(
    {
      none: 'Not compressed',
      gzip: 'gzip',
      snappy: 'Snappy',
      lz4: 'LZ4',
      zstd: 'Zstandard',
    },
    { help: 'How messages are compressed.', default: 'none', advanced: true },
  ),
  empty: setting.choice(
    {
      value: 'As a message whose value is empty',
      tombstone: 'As a tombstone, which deletes its key in a compacted topic',
    },
    { help: 'How an empty message is sent.', default: 'value', advanced: true },
  ),
  timeout: setting.duration({
    help: 'How long to wait for the confirmation, and for a broker that takes the place of one that is away.',
    default: '30s',
  }),
};

export type KafkaOutLent = Lent<typeof kafkaOutSettings>;
export type KafkaOutValues = setting.ValuesOf<typeof kafkaOutSettings>;

const AGAIN = ['retry', 'fail'];

export default outbound({
  type: 'kafka-out',
  title: 'Apache Kafka, sending',
  summary:
    'Writes each message to a topic of a Kafka cluster, and is done once the brokers have confirmed it.',
  settings: kafkaOutSettings,
  replies: {
    OK: 'complete',
    // it may be made yet
    NOTOPIC: ['retry', 'suspend'],
    NOPARTITION: 'fail',
    TOOLARGE: 'fail',
    // too few copies are up to date
    REPLICAS: AGAIN,
    // every message would be refused
    DENIED: 'stop',
    none: AGAIN,
    other: 'fail',
  },
  check: (settings) => Promise.resolve(kafkaOutFaults(settings)),
  async open(lent) {
    const sender = await KafkaSender.open(lent);
    lent.connection('connected', sender.facts);
    lent.event('info', 'connected', sender.facts);
    return sender;
  },
  test: (lent, step) => {
    const { source } = lent.settings.topic;
    return tryKafka(lent, step, TOPIC.test(source) ? [source] : [], () => Promise.resolve());
  },
});

export function kafkaOutFaults({ connect }: KafkaOutValues): SettingsFault[] {
  return connect.length > 0
    ? []
    : [{ path: ['connect'], what: 'is empty', remedy: 'Name a broker.' }];
}
