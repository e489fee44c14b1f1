import { setting } from 'waybill/adapter';
import { mailboxSettings, putAwaySettings, takeSettings } from 'waybill/peer/mail';

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
  ...mailboxSettings.secure('STARTTLS'),
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
  mailbox: mailboxSettings.mailbox,
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
  ...mailboxSettings.times,
};

export type ImapValues = setting.ValuesOf<typeof imapSettings>;
