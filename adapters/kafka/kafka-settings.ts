import { setting } from 'waybill/adapter';
import { tlsClient } from 'waybill/peer/tls';

/** Where a broker is reached that names itself otherwise. */
export interface ReachedAt {
  readonly advertised: string;
  readonly reached: setting.Address;
}

/** `kafka-1.internal:9092=10.1.2.3:9092` */
const reachedAt: setting.Setting<ReachedAt, string> = {
  kind: 'text',
  help: 'A broker as it names itself, and where it is reached.',
  example: 'kafka-1.internal:9092=10.1.2.3:19092',
  read: (given, context) => {
    const [, advertised, at] = /^([^\s=]+:\d+)\s*=\s*(\S+)$/.exec(String(given)) ?? [];
    if (advertised === undefined || at === undefined) {
      return setting.bad('must be such as kafka-1.internal:9092=10.1.2.3:19092');
    }
    const read = setting.address({ help: '' }).read(at, context);
    return read.ok ? setting.good({ advertised, reached: read.value }) : read;
  },
};

/** How to reach a Kafka cluster: the same for both directions. */
export const kafkaSettings = {
  connect: setting.list(
    setting.address({
      help: 'A broker and its port: usually 9092, with TLS often 9093.',
      example: 'kafka-1.example:9092',
    }),
    {
      help: 'One broker of the cluster, or several: the first that answers tells of all others.',
      example: '["kafka-1.example:9092", "kafka-2.example:9092"]',
    },
  ),
  credential: setting.optional(
    setting.credential({
      help: 'The sign-in (SASL): user and password (kind basic), or a token (kind oauth2 or bearer), which is sent by OAUTHBEARER. If left out, none, or the certificate under tls.',
      example: 'kafka-account',
      kinds: ['basic', 'bearer', 'oauth2'],
    }),
  ),
  mechanism: setting.choice(
    {
      plain: 'PLAIN: the password is sent as it is; use it with tls',
      'scram-sha-256': 'SCRAM-SHA-256: the password is not sent',
      'scram-sha-512': 'SCRAM-SHA-512: the password is not sent',
    },
    { help: 'How user and password are proven.', default: 'plain' },
  ),
  tls: tlsClient(),
  addresses: setting.list(reachedAt, {
    help: 'Brokers that are reached elsewhere than where they say (advertised.listeners), such as behind NAT or a tunnel. Certificates are checked for the name that they say.',
    example: '["kafka-1.internal:9092=10.1.2.3:19092"]',
  }),
  connectTimeout: setting.duration({
    help: 'How long connecting to a broker and signing in may take.',
    default: '10s',
    advanced: true,
  }),
};

export type KafkaConnectionValues = setting.ValuesOf<typeof kafkaSettings>;

/** What Kafka takes as the name of a topic. */
export const TOPIC = /^(?!\.\.?$)[\w.-]{1,249}$/;

export const topicSetting: setting.Declare<string, string> = (
  about: setting.About<string>,
): setting.Setting<string, string> => ({
  kind: 'text',
  ...about,
  read: (given) =>
    typeof given === 'string' && TOPIC.test(given)
      ? setting.good(given)
      : setting.bad('must be letters, digits, dots, - and _, at most 249'),
});

/** The name of a topic with expressions in braces. */
export const topicTemplate: setting.Declare<setting.Template, string> = (
  about: setting.About<string>,
): setting.Setting<setting.Template, string> => ({
  kind: 'template',
  ...about,
  read: (given, context) =>
    typeof given === 'string' && TOPIC.test(given.replaceAll(/\{[^{}]*\}/g, 'x'))
      ? context.template(given, (value) => value.replaceAll(/[^\w.-]/g, '_'))
      : setting.bad('must be letters, digits, dots, - and _, with expressions in braces'),
});
