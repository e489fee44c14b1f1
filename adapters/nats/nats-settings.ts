import { setting } from 'waybill/adapter';
import { tlsClient } from 'waybill/peer/tls';

/** How to reach a NATS server or cluster: the same for both directions. */
export const natsSettings = {
  connect: setting.list(
    setting.address({ help: 'A server and its port, usually 4222.', example: 'nats.example:4222' }),
    {
      help: 'The NATS server, or several of one cluster: the first that answers is used.',
      example: 'nats.example:4222',
    },
  ),
  credential: setting.optional(
    setting.credential({
      help: 'The sign-in: user and password (kind basic), or kind bearer, whose token is the text of a .creds file (JWT and seed), an nkey seed (SU…), or a plain token. If left out, none, or the certificate under tls.',
      example: 'nats-account',
      kinds: ['basic', 'bearer', 'oauth2'],
    }),
  ),
  tls: tlsClient(
    'Encrypts the connection; a server that does not offer it is refused. If left out, everything is sent in plain text.',
  ),
  tlsFirst: setting.flag({
    help: 'Begins with TLS at once, for servers with handshake_first.',
    default: false,
    advanced: true,
  }),
  connectTimeout: setting.duration({
    help: 'How long connecting and signing in may take.',
    default: '5s',
    advanced: true,
  }),
};

export type NatsConnectionValues = setting.ValuesOf<typeof natsSettings>;

/** A subject of NATS: words with dots between; as a pattern, `*` is one word and `>` the rest. */
export const subjectPattern: setting.Declare<string, string> = (
  about: setting.About<string>,
): setting.Setting<string, string> => ({
  kind: 'text',
  ...about,
  read: (given) =>
    typeof given === 'string' && /^(?:[^\s.*>]+|\*)(?:\.(?:[^\s.*>]+|\*))*(?:\.>)?$|^>$/.test(given)
      ? setting.good(given)
      : setting.bad('must be words with dots between, such as lab.results.> or lab.*.new'),
});

/** A subject with expressions in braces. Characters of a value that one word of a subject cannot have become `_`. */
export const subjectTemplate: setting.Declare<setting.Template, string> = (
  about: setting.About<string>,
): setting.Setting<setting.Template, string> => ({
  kind: 'template',
  ...about,
  read: (given, context) => {
    if (typeof given !== 'string') return setting.bad('must be text');
    if (/[\s*>]|^\.|\.\.|\.$/.test(given.replaceAll(/\{[^{}]*\}/g, 'x'))) {
      return setting.bad('must be words with dots between, without * and >');
    }
    return context.template(given, asWord);
  },
});

const asWord = (value: string): string =>
  value === '' ? '_' : value.replaceAll(/[\s.*>\p{Cc}]/gu, '_');
