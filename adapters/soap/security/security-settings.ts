import { setting } from 'waybill/adapter';

const signedPart = setting.choice(
  {
    body: 'The body',
    timestamp: 'The timestamp',
    addressing: 'The headers of WS-Addressing',
    username: 'The user name token',
  },
  { help: 'A part of the envelope.', default: 'body' },
);

const proving = {
  username: setting.optional(
    setting.credential({
      help: 'User and password to send in a UsernameToken: a credential of kind basic.',
      kinds: ['basic'],
    }),
  ),
  proof: setting.choice(
    {
      digest: 'A hash of it with a nonce and the time: the password itself is not sent',
      text: 'The password itself: only over https',
    },
    { help: 'How the password of the UsernameToken is sent.', default: 'digest' },
  ),
  certificate: setting.optional(
    setting.credential({
      help: 'The key that signs each request: a credential of kind certificate with an RSA or elliptic key.',
      kinds: ['certificate'],
    }),
  ),
  sign: setting.list(signedPart, {
    help: 'The parts to sign with certificate; those that an envelope does not have are left out.',
    default: ['body', 'timestamp', 'addressing'],
  }),
  timestamp: setting.optional(
    setting.duration({
      help: 'How long a request is valid: it then has a Timestamp with its time and its end. A signature without one could be used again for ever.',
      example: '5m',
    }),
  ),
  mustUnderstand: setting.flag({
    help: 'Whether a receiver that does not know WS-Security must refuse the message.',
    default: true,
    advanced: true,
  }),
};

const believing = {
  answers: setting.choice(
    {
      any: 'Signed or not; a signature is not looked at',
      signed: 'Only answers with a body signed by a key of trust',
    },
    { help: 'Which answers are taken.', default: 'any' },
  ),
  trust: setting.optional(
    setting.path({
      help: 'File (PEM) with the certificates that may sign, or those of the authorities that issued them.',
      example: 'tls/registry.pem',
    }),
  ),
  tolerance: setting.duration({
    help: 'How far the clocks may be apart where the time of an answer is checked.',
    default: '5m',
    advanced: true,
  }),
};

/** WS-Security of what we send, and of the answers. */
export const securitySettings = setting.group(
  { ...proving, ...believing },
  {
    help: 'WS-Security: user name token, timestamp and signature of the envelope. TLS and a sign-in by HTTP are apart from it.',
  },
);

export type SecurityValues = NonNullable<
  setting.ValuesOf<{ security: typeof securitySettings }>['security']
>;
