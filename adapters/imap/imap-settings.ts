import { setting } from 'waybill/adapter';
import { putAwaySettings, takeSettings, tlsClient } from 'waybill/peer';

const afterwards = {
  ...putAwaySettings({
    flag: 'It gets the keyword $Waybill; those that have it are not taken',
    keep: 'for mailboxes that may only be read',
  }),
};

/** The settings of `imap-in`. */
export const imapSettings = {
  connect: setting.address({
    help: 'The mail server and its port: 993 with TLS from the start, 143 with STARTTLS.',
    example: 'imap.hospital.example:993',
  }),
  security: setting.choice(
    {
      tls: 'TLS from the start',
      starttls: 'Switches to TLS before the sign-in, or does not sign in',
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
      auto: 'Chosen by the kind of credential and what the server offers; if one is refused, the next is tried',
      PLAIN: 'User and password',
      LOGIN: 'User and password, for old servers',
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
  folder: setting.text({
    help: 'The mail folder that is read. Levels may be written with a slash, whatever separator the server uses.',
    default: 'INBOX',
    example: 'INBOX/Lab',
  }),
  to: setting.optional(
    setting.text({ help: 'Only mails with a recipient that contains this.', example: 'results@' }),
  ),
  ...takeSettings,
  ...afterwards,
  every: setting.duration({
    help: 'How often the folder is checked. If the server can (IDLE), it reports new mails at once, and this is only a safeguard.',
    default: '1m',
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

export type ImapValues = setting.ValuesOf<typeof imapSettings>;
