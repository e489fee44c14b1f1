import { setting } from 'waybill/adapter';
import { takeSettings, tlsClient } from 'waybill/peer';

/** The settings of `pop3-in`. */
export const pop3Settings = {
  connect: setting.address({
    help: 'The mail server and its port: 995 with TLS from the start, 110 with STLS.',
    example: 'pop.hospital.example:995',
  }),
  security: setting.choice(
    {
      tls: 'TLS from the start',
      starttls: 'Switches to TLS (STLS) before the sign-in, or does not sign in',
    },
    {
      help: 'How the connection is encrypted. There is never a sign-in over plain text.',
      default: 'tls',
    },
  ),
  tls: tlsClient('How the server is verified. If left out, the public authorities are trusted.'),
  credential: setting.credential({
    help: 'Who signs in: user and password, or a token.',
    example: 'mailbox',
    kinds: ['basic', 'bearer', 'oauth2'],
  }),
  mechanism: setting.choice(
    {
      auto: 'Chosen by the kind of credential and what the server offers',
      USER: 'User and password by the commands USER and PASS',
      PLAIN: 'User and password',
      XOAUTH2: 'A token; Exchange Online, Google',
      OAUTHBEARER: 'A token; RFC 7628',
    },
    { help: 'How to sign in.', default: 'auto', advanced: true },
  ),
  mailbox: setting.optional(
    setting.text({
      help: 'The mailbox a token is for, if the credential does not name it.',
      example: 'results@hospital.example',
      advanced: true,
    }),
  ),
  ...takeSettings,
  afterwards: setting.choice(
    {
      delete: 'It is deleted',
      keep: 'It stays, and is remembered; for mailboxes that others read as well',
    },
    { help: 'What happens to a mail once its messages are stored.', default: 'delete' },
  ),
  every: setting.duration({
    help: 'How often the mailbox is looked at. POP3 cannot report new mails, and the mailbox is locked for others meanwhile.',
    default: '1m',
  }),
  mailsAtOnce: setting.integer({
    help: 'After so many mails the connection is ended, which makes their deletion final, and a new one is opened.',
    default: 1_000,
    minimum: 1,
    advanced: true,
  }),
  connectTimeout: setting.duration({
    help: 'How long connecting, and then the greeting, may take.',
    default: '10s',
    advanced: true,
  }),
  timeout: setting.duration({
    help: 'How long the server may leave a request unanswered before the connection counts as lost.',
    default: '1m',
    advanced: true,
  }),
};

export type Pop3Values = setting.ValuesOf<typeof pop3Settings>;
