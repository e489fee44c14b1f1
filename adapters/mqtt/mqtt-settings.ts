import { setting } from 'waybill/adapter';
import { tlsClient } from 'waybill/peer/tls';

/** How to reach an MQTT broker: the same for both directions. */
export const mqttSettings = {
  connect: setting.address({
    help: 'The MQTT broker and its port: usually 1883, with TLS 8883.',
    example: 'mqtt.example:8883',
  }),
  credential: setting.optional(
    setting.credential({
      help: 'The sign-in: user and password (kind basic), or a token, sent as the password. If left out, none, or the certificate under tls.',
      example: 'mqtt-account',
      kinds: ['basic', 'bearer', 'oauth2'],
    }),
  ),
  tls: tlsClient(),
  version: setting.choice(
    { '5': 'MQTT 5', '3.1.1': 'MQTT 3.1.1, for older brokers' },
    { help: 'The version of the protocol.', default: '5' },
  ),
  keepAlive: setting.duration({
    help: 'How often we show that we are alive; after one and a half times this long without a sign from the broker the connection counts as lost. Whole seconds.',
    default: '30s',
    advanced: true,
  }),
  connectTimeout: setting.duration({
    help: 'How long connecting and signing in may take.',
    default: '10s',
    advanced: true,
  }),
};

export type MqttConnectionValues = setting.ValuesOf<typeof mqttSettings>;

export const qos = (help: string): setting.Setting<'0' | '1' | '2', '0' | '1' | '2' | undefined> =>
  setting.choice(
    {
      '0': 'At most once: messages in flight when a connection breaks are lost',
      '1': 'At least once: sent until acknowledged, so it may arrive twice',
      '2': 'Exactly once, at the cost of two round trips',
    },
    { help, default: '1' },
  );

/** A topic filter: levels with slashes between; `+` is one level and `#`, at the end, the rest. */
export const topicFilter: setting.Declare<string, string> = (
  about: setting.About<string>,
): setting.Setting<string, string> => ({
  kind: 'text',
  ...about,
  read: (given) =>
    typeof given === 'string' && given !== '' && isFilter(given)
      ? setting.good(given)
      : setting.bad(
          'must be a topic such as lab/+/results or lab/#; + and # stand for whole levels',
        ),
});

const isFilter = (filter: string): boolean =>
  !filter.includes('\0') &&
  filter
    .split('/')
    .every(
      (level, at, all) =>
        !/[+#]/.test(level) || level === '+' || (level === '#' && at === all.length - 1),
    );

/** A topic with expressions in braces. Characters of a value that one level of a topic cannot have become `_`. */
export const topicTemplate: setting.Declare<setting.Template, string> = (
  about: setting.About<string>,
): setting.Setting<setting.Template, string> => ({
  kind: 'template',
  ...about,
  read: (given, context) => {
    if (typeof given !== 'string' || given === '') return setting.bad('must be text');
    if (/[+#\0]/.test(given.replaceAll(/\{[^{}]*\}/g, ''))) {
      return setting.bad('must be a topic without + and #');
    }
    return context.template(given, asLevel);
  },
});

const asLevel = (value: string): string =>
  value === '' ? '_' : value.replaceAll(/[/+#\p{Cc}]/gu, '_');
