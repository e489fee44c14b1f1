import { setting } from 'waybill/adapter';
import { tlsClient } from 'waybill/peer/tls';

/** How to reach a peer of AMQP 1.0: the same for both directions. */
export const amqp1Settings = {
  connect: setting.list(
    setting.address({
      help: 'A broker and its port: usually 5671 with TLS, 5672 without.',
      example: 'hospital.servicebus.windows.net:5671',
    }),
    {
      help: 'The broker, or several that hold the same: the first that answers is used.',
      example: 'hospital.servicebus.windows.net:5671',
    },
  ),
  hostname: setting.optional(
    setting.text({
      help: 'The name the broker is asked by, if not the one connected to. RabbitMQ takes a virtual host as `vhost:name`.',
      example: 'vhost:results',
      advanced: true,
    }),
  ),
  credential: setting.optional(
    setting.credential({
      help: 'The sign-in: user and password, or name and key of a shared access policy (kind basic), or a token. If left out, the certificate under tls (EXTERNAL).',
      example: 'service-bus',
      kinds: ['basic', 'bearer', 'oauth2'],
    }),
  ),
  signIn: setting.choice(
    {
      auto: 'By claims (CBS) at *.servicebus.*, otherwise by SASL',
      sasl: 'By SASL: PLAIN or EXTERNAL',
      cbs: 'By claims (CBS): a token for each address, renewed in time',
    },
    { help: 'How the credential is shown.', default: 'auto', advanced: true },
  ),
  tls: tlsClient(),
  connectTimeout: setting.duration({
    help: 'How long connecting and signing in may take.',
    default: '10s',
    advanced: true,
  }),
  idleTimeout: setting.duration({
    help: 'After twice so long without a sign from the broker the connection counts as lost.',
    default: '30s',
    advanced: true,
  }),
};

export type Amqp1Values = setting.ValuesOf<typeof amqp1Settings>;
