import { setting } from 'waybill/adapter';
import { mailboxSettings, takeSettings } from 'waybill/peer/mail';

/** The settings of `pop3-in`. */
export const pop3Settings = {
  connect: setting.address({
    help: 'The mail server and its port: 995 with TLS from the start, 110 with STLS.',
    example: 'pop.hospital.example:995',
  }),
  ...mailboxSettings.secure('STLS'),
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
  mailbox: mailboxSettings.mailbox,
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
  ...mailboxSettings.times,
};

export type Pop3Values = setting.ValuesOf<typeof pop3Settings>;
