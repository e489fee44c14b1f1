import {
  choice,
  credential,
  duration,
  optional,
  type Setting,
  text,
} from '../../adapter/setting.ts';
import { tlsClient } from '../tls/tls-settings.ts';

type Security = 'tls' | 'starttls';

interface SecureSettings {
  readonly security: Setting<Security, Security | undefined>;
  readonly tls: ReturnType<typeof tlsClient>;
  readonly credential: Setting<string, string>;
}

/** The settings of every adapter that reads a mailbox over a connection of its own. */
export const mailboxSettings = {
  /** @param command the protocol's own for switching to TLS */
  secure: (command: string): SecureSettings => ({
    security: choice(
      {
        tls: 'TLS from the start',
        starttls: `Switches to TLS (${command}) before the sign-in, or does not sign in`,
      },
      {
        help: 'How the connection is encrypted. There is never a sign-in over plain text.',
        default: 'tls',
      },
    ),
    tls: tlsClient('How the server is verified. If left out, the public authorities are trusted.'),
    credential: credential({
      help: 'Who signs in: user and password, or a token.',
      example: 'mailbox',
      kinds: ['basic', 'bearer', 'oauth2'],
    }),
  }),
  mailbox: optional(
    text({
      help: 'The mailbox a token is for, if the credential does not name it.',
      example: 'results@hospital.example',
      advanced: true,
    }),
  ),
  times: {
    connectTimeout: duration({
      help: 'How long connecting, and then the greeting, may take.',
      default: '10s',
      advanced: true,
    }),
    timeout: duration({
      help: 'How long the server may leave a request unanswered before the connection counts as lost.',
      default: '1m',
      advanced: true,
    }),
  },
};
