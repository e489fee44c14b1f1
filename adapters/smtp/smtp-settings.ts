import { setting } from 'waybill/adapter';
import { letterSettings } from 'waybill/peer/mail';
import { tlsClient } from 'waybill/peer/tls';
import type { Account } from './smtp-session.ts';

/** The settings of `smtp-out`. */
export const smtpSettings = {
  connect: setting.address({
    help: 'The mail server and its port: 587 for submission with STARTTLS, 465 with TLS from the start, 25 for a relay.',
    example: 'smtp.hospital.example:587',
  }),
  security: setting.choice(
    {
      starttls: 'Switches to TLS before anything is sent, or sends nothing',
      tls: 'TLS from the start',
      none: 'Plain text, for a relay in your own network; never with a credential',
    },
    {
      help: 'How the connection is encrypted. It never falls back to plain text.',
      default: 'starttls',
    },
  ),
  tls: tlsClient('How the server is verified. If left out, the public authorities are trusted.'),
  credential: setting.optional(
    setting.credential({
      help: 'Who signs in: user and password, or a token. If left out, mails are sent without a sign-in. If set, nothing is sent unless the sign-in succeeds.',
      example: 'mailer',
      kinds: ['basic', 'bearer', 'oauth2'],
    }),
  ),
  mechanism: setting.choice(
    {
      auto: 'Chosen by the kind of credential and what the server offers; if one is refused, the next is tried',
      PLAIN: 'User and password',
      LOGIN: 'User and password, for old servers',
      'CRAM-MD5': 'User and a proof of the password',
      XOAUTH2: 'A token; Exchange Online, Google',
      OAUTHBEARER: 'A token; RFC 7628',
    },
    { help: 'How to sign in.', default: 'auto', advanced: true },
  ),
  mailbox: setting.optional(
    setting.text({
      help: 'The mailbox a token is for, if the credential does not name it.',
      example: 'noreply@hospital.example',
      advanced: true,
    }),
  ),
  ...letterSettings,
  envelopeFrom: setting.optional(
    setting.addressTemplate({
      help: 'The address for reports of failed deliveries, if it differs from the sender.',
      example: 'bounces@hospital.example',
      advanced: true,
    }),
  ),
  refusedRecipients: setting.choice(
    {
      suspend: 'Nobody gets the mail; the message is kept for a person',
      reject: 'Nobody gets the mail; the message fails',
      continue:
        'The others get it; those that must wait are retried, and the outcome warns about the rest',
    },
    { help: 'What happens if the server accepts only some of the recipients.', default: 'suspend' },
  ),
  dkim: setting.group(
    {
      domain: setting.text({ help: 'The domain that signs.', example: 'hospital.example' }),
      selector: setting.text({
        help: 'Names the public key in the DNS: <selector>._domainkey.<domain>.',
        example: 'waybill2026',
      }),
      key: setting.path({ help: 'File with the private key (PEM).', example: 'tls/dkim.key' }),
    },
    { help: 'Signs mails with DKIM, if the server does not do it itself.' },
  ),
  clientName: setting.optional(
    setting.text({
      help: 'The name of this machine in EHLO, if the server requires a certain one.',
      example: 'hub.hospital.example',
      advanced: true,
    }),
  ),
  connectTimeout: setting.duration({
    help: 'How long connecting, and then the greeting, may take.',
    default: '10s',
    advanced: true,
  }),
  timeout: setting.duration({
    help: 'How long the server may be silent before the connection counts as lost. Content filters may take long after a mail.',
    default: '2m',
    advanced: true,
  }),
  idle: setting.duration({
    help: 'How long a connection is kept open for the next mail.',
    default: '30s',
    advanced: true,
  }),
  mailsPerConnection: setting.integer({
    help: 'After how many mails a connection is closed; many servers count them.',
    default: 100,
    minimum: 1,
    advanced: true,
  }),
};

/** The settings in the form that a connection needs. */
export function accountOf(settings: setting.ValuesOf<typeof smtpSettings>): Account {
  const { mechanism } = settings;
  return { ...settings, mechanism: mechanism === 'auto' ? undefined : mechanism };
}
