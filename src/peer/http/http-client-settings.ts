import {
  choice,
  credential,
  duration,
  integer,
  optional,
  size,
  text,
  url,
  type ValuesOf,
} from '../../adapter/setting.ts';
import { tlsClient } from '../tls/tls-settings.ts';

const signing = {
  credential: optional(
    credential({
      help: 'How to sign in: basic, bearer (a fixed token or API key), oauth2 (a token that is fetched and renewed), jwt-key (a token that we sign ourselves, for each request) ntlm or kerberos. A client certificate goes under tls. If left out, there is no sign-in.',
      kinds: ['basic', 'bearer', 'oauth2', 'jwt-key', 'ntlm', 'kerberos'],
    }),
  ),
  signIn: choice(
    {
      auto: 'Basic for a user and password, Bearer for a token, NTLM for a Windows account, Negotiate for a Kerberos account',
      digest: 'Digest, for a user and password: the password itself is never sent',
      header: 'The token alone in the header named by keyName (API key)',
      query:
        'The token as the query parameter named by keyName; proxies and servers log it, so prefer header',
      cookie: 'The token as the cookie named by keyName',
    },
    { help: 'How the credential is sent to the peer.', default: 'auto' },
  ),
  keyName: text({
    help: 'The name of the header, parameter or cookie that carries an API key.',
    default: 'X-API-Key',
  }),
};

const wire = {
  tls: tlsClient(
    'Which certificates to trust and to send, for https addresses. If left out, the well-known public authorities are trusted.',
  ),
  proxy: optional(
    url({
      help: 'The web proxy to go through.',
      example: 'http://proxy.hospital.example:8080',
      advanced: true,
    }),
  ),
  proxyCredential: optional(
    credential({
      help: 'User and password for the proxy: a credential of kind basic.',
      kinds: ['basic'],
      advanced: true,
    }),
  ),
  timeout: duration({
    help: 'How long the peer may take to begin its answer, and between parts of it.',
    default: '30s',
  }),
  connectTimeout: duration({
    help: 'How long connecting may take, including TLS.',
    default: '5s',
    advanced: true,
  }),
  stayConnected: duration({
    help: 'How long an idle connection is kept for the next message. 0s opens a new one each time; if the peer asks for less, that is respected.',
    default: '30s',
    advanced: true,
  }),
  connections: integer({
    help: 'How many connections to the peer may be open at once.',
    default: 16,
    minimum: 1,
    maximum: 1_000,
    advanced: true,
  }),
  redirects: choice(
    {
      never: 'Redirects are not followed: the message is not delivered',
      'same-host': 'Redirects to the same scheme, host and port are followed',
      any: 'All are followed; the credential, and headers whose names suggest a sign-in, are sent only to the first host',
    },
    {
      help: 'Which redirects are followed, at most ten. One that would turn a POST into a GET and lose the body is never followed.',
      default: 'same-host',
      advanced: true,
    },
  ),
  replyLimit: size({
    help: 'The largest answer that is read.',
    default: '50MB',
    advanced: true,
  }),
};

/** The settings of every adapter that talks to a web server: signing in and connecting. */
export const httpClientSettings = { ...signing, ...wire };

export type HttpClientValues = ValuesOf<typeof httpClientSettings>;
