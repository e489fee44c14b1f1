import {
  type Lent,
  type Message,
  NotConnectedError,
  type OpenOutbound,
  outbound,
  type Reply,
  type SettingsFault,
  setting,
} from 'waybill/adapter';
import { asBuffer, namedTemplate, UnderWay, unlessAborted } from 'waybill/peer/basics';
import { contentTypeOf } from 'waybill/peer/http';
import { KafkaCluster, SOON, type TopicFacts } from './cluster.ts';
import { CODE } from './failure.ts';
import { kafkaSettings, TOPIC, topicTemplate } from './kafka-settings.ts';
import { tryKafka } from './kafka-test.ts';
import { type Letter, type Producer, reply, SendingLine } from './sending-line.ts';

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

/** Milliseconds for which what the cluster says of a topic is believed. */
const BELIEVED = 60_000;
const MOST_TOPICS = 1_000;
const MOST_LATE = 1_000;

/** Writes messages, each to its partition, in their order there. */
class KafkaSender implements OpenOutbound {
  /** Who signed in and what can be relied on, for people. */
  readonly facts: string;
  readonly #lent: KafkaOutLent;
  readonly #cluster: KafkaCluster;
  readonly #producer: Producer | undefined;
  readonly #sending = new UnderWay();
  /** What was given up and is not over: it is not sent twice. */
  readonly #underWay = new Map<number, Promise<Reply>>();
  /** What was confirmed after it had been given up: the next try finds that it is there. */
  readonly #late = new Map<number, Reply>();
  readonly #lines = new Map<string, SendingLine>();
  readonly #topics = new Map<string, { readonly facts: TopicFacts; readonly at: number }>();
  readonly #closing = new AbortController();
  #turn = 0;

  private constructor(
    lent: KafkaOutLent,
    cluster: KafkaCluster,
    { producer, facts }: { readonly producer: Producer | undefined; readonly facts: string },
  ) {
    this.#lent = lent;
    this.#cluster = cluster;
    this.#producer = producer;
    this.facts = facts;
  }

  static async open(lent: KafkaOutLent): Promise<KafkaSender> {
    const cluster = await KafkaCluster.open(lent, lent.signal);
    try {
      const producer = await producerOf(lent, cluster);
      const told = typeof producer === 'string' ? `, ${producer}` : '';
      return new KafkaSender(lent, cluster, {
        producer: typeof producer === 'string' ? undefined : producer,
        facts: `Kafka, ${cluster.account.who}${told}`,
      });
    } catch (error) {
      cluster.close();
      throw error;
    }
  }

  async send(message: Message, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    const { id } = message;
    const late = this.#late.get(id);
    if (late === undefined) {
      const sending = this.#underWay.get(id) ?? this.#begin(message, signal);
      const answer = await this.#sending.run(unlessAborted(sending, signal));
      this.#late.delete(id);
      return answer;
    }
    this.#late.delete(id);
    return late;
  }

  #begin(message: Message, signal: AbortSignal): Promise<Reply> {
    const { id } = message;
    const sending = this.#send(message, signal);
    this.#underWay.set(id, sending);
    const forget = (): void => void this.#underWay.delete(id);
    const confirmed = (answer: Reply): void => {
      forget();
      if (signal.aborted && answer.code === 'OK') this.#keepLate(id, answer);
    };
    sending.then(confirmed, forget);
    return sending;
  }

  #keepLate(id: number, answer: Reply): void {
    // some are never tried again
    const [oldest] = this.#late.size < MOST_LATE ? [] : this.#late.keys();
    if (oldest !== undefined) this.#late.delete(oldest);
    this.#late.set(id, answer);
  }

  async close(): Promise<void> {
    await this.#sending.ended();
    this.#closing.abort(new Error('closed'));
    this.#cluster.close();
  }

  async #send(message: Message, signal: AbortSignal): Promise<Reply> {
    const letter = await this.#letterOf(message);
    const topic = await this.#lent.settings.topic.render(message);
    const facts = await this.#factsOf(topic);
    if (typeof facts === 'number') return this.#noTopic(topic, facts);
    const partition = await this.#partitionOf(message, letter, facts);
    if (partition === undefined) {
      return reply('NOPARTITION', `${topic} has ${facts.partitions.length} partitions, from 0 on`);
    }
    signal.throwIfAborted();
    return await this.#line(topic, partition).send(letter, signal);
  }

  #line(topic: string, partition: number): SendingLine {
    const key = `${topic}-${partition}`;
    const known = this.#lines.get(key);
    if (known !== undefined) return known;
    const line = new SendingLine(
      { topic, partition },
      {
        settings: this.#lent.settings,
        cluster: this.#cluster,
        producer: this.#producer,
        signal: AbortSignal.any([this.#closing.signal, this.#lent.signal]),
        look: async (how) => {
          if (how === 'fresh') this.#topics.delete(topic);
          return await this.#factsOf(topic);
        },
      },
    );
    this.#lines.set(key, line);
    return line;
  }

  async #letterOf(message: Message): Promise<Letter> {
    const { settings } = this.#lent;
    const body = asBuffer(message.body.inline ?? (await message.body.bytes()));
    const key = (await settings.key?.render(message)) ?? '';
    const headers = new Map<Buffer, Buffer>();
    const add = (name: string, value: string): void => {
      headers.set(Buffer.from(name), Buffer.from(value));
    };
    add('content-type', contentTypeOf(message.type, message.charset));
    for (const { name, value } of settings.headers) add(name, await value.render(message));
    return {
      key: key === '' ? undefined : Buffer.from(key),
      value: body.length === 0 && settings.empty === 'tombstone' ? null : body,
      headers,
      timestamp: BigInt(Math.round(message.created)),
    };
  }

  async #partitionOf(
    message: Message,
    { key }: Letter,
    { partitions }: TopicFacts,
  ): Promise<number | undefined> {
    const count = partitions.length;
    if (count === 0) return undefined;
    const given = (await this.#lent.settings.partition?.render(message)) ?? '';
    if (given !== '') {
      const wanted = /^\d{1,9}$/.test(given) ? Number(given) : count;
      return wanted < count ? wanted : undefined;
    }
    // as Kafka's own clients do
    if (key !== undefined) return (this.#cluster.library.murmur2(key) & 0x7f_ff_ff_ff) % count;
    const led = [...partitions.keys()].filter((one) => (partitions[one]?.leader ?? -1) >= 0);
    const turn = this.#turn++;
    return led[turn % led.length] ?? turn % count;
  }

  async #factsOf(topic: string): Promise<TopicFacts | number> {
    const known = this.#topics.get(topic);
    if (known !== undefined && performance.now() - known.at < BELIEVED) return known.facts;
    const facts = await this.#cluster.describe(topic, this.#closing.signal);
    if (typeof facts === 'number') return facts;
    if (this.#topics.size >= MOST_TOPICS) this.#topics.clear();
    this.#topics.set(topic, { facts, at: performance.now() });
    return facts;
  }

  #noTopic(topic: string, code: number): Reply {
    if (code === CODE.UNKNOWN_TOPIC) {
      return reply('NOTOPIC', `there is no topic ${topic}, or the account may not see it`);
    }
    if (code === CODE.TOPIC_DENIED) {
      return reply('DENIED', `the account may not use the topic ${topic}: have it allowed`);
    }
    throw this.#cluster.noTopic(topic, code);
  }
}

/** By which brokers recognise what is sent again; a text says why they do not. */
async function producerOf(
  { settings, signal }: KafkaOutLent,
  cluster: KafkaCluster,
): Promise<Producer | string | undefined> {
  if (!settings.idempotent || settings.acks !== 'all') return undefined;
  const answer = await cluster.ask('initProducerId', [null, SOON, -1n, -1], signal);
  const { errorCode, producerId, producerEpoch } = answer;
  if (errorCode === 0) return { producerId, producerEpoch };
  if (errorCode === CODE.CLUSTER_DENIED) {
    return 'repetitions are not recognised: the account lacks IDEMPOTENT_WRITE on the cluster';
  }
  throw new NotConnectedError(
    `${cluster.place} answers error ${errorCode} when it is asked for the number of a producer. It is tried again; set idempotent: false if the cluster does not know it.`,
  );
}
