import { setting } from 'waybill/adapter';
import { tlsClient } from 'waybill/peer/tls';

/** How to reach a broker of AMQP 0-9-1: the same for both directions. */
export const amqpSettings = {
  connect: setting.list(
    setting.address({
      help: 'A broker and its port: usually 5672, with TLS 5671.',
      example: 'rabbit.example:5672',
    }),
    {
      help: 'The broker, or several nodes of one cluster: the first that answers is used.',
      example: 'rabbit.example:5671',
    },
  ),
  vhost: setting.text({ help: 'The virtual host.', default: '/' }),
  credential: setting.optional(
    setting.credential({
      help: 'The sign-in: user and password (kind basic), or a token where the broker accepts one as the password (OAuth 2). If left out, the certificate under tls (EXTERNAL).',
      example: 'rabbit-account',
      kinds: ['basic', 'bearer', 'oauth2'],
    }),
  ),
  tls: tlsClient(),
  connectTimeout: setting.duration({
    help: 'How long connecting and signing in may take.',
    default: '10s',
    advanced: true,
  }),
  heartbeat: setting.duration({
    help: 'How often each side shows that it is alive; after two missing signs the connection counts as lost. Whole seconds.',
    default: '20s',
    advanced: true,
  }),
};

export type AmqpConnectionValues = setting.ValuesOf<typeof amqpSettings>;
