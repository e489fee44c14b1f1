import { setting } from 'waybill/adapter';
import {
  callerClaims,
  callerSettings,
  listenerLimits,
  listenerPlace,
  routePattern,
} from 'waybill/peer/http-server';

const where = {
  ...listenerPlace,
  path: {
    ...routePattern,
    help: 'The path that this service answers.',
    default: '/*',
  } as setting.Setting<setting.ValuesOf<{ path: typeof routePattern }>['path'], string | undefined>,
};

const service = {
  wsdl: setting.optional(
    setting.path({
      help: 'The WSDL 1.1 of the service, saved beside the production with the files that it imports. Only its operations are accepted, and it is given out at the address with ?wsdl. Without it every element is accepted.',
      example: 'wsdl/registry.wsdl',
    }),
  ),
  port: setting.optional(
    setting.text({ help: 'The name of the port in the WSDL, where it has several.' }),
  ),
  version: setting.choice(
    {
      auto: 'That of the WSDL; both without one',
      '1.1': 'SOAP 1.1',
      '1.2': 'SOAP 1.2',
      both: 'Both',
    },
    {
      help: 'The versions that are accepted; a message of another is answered with VersionMismatch.',
      default: 'auto',
    },
  ),
  publicUrl: setting.optional(
    setting.url({
      help: 'The address that the WSDL names, if callers come through a proxy. Default: the one that was asked for it.',
      example: 'https://hub.hospital.example/orders',
      advanced: true,
    }),
  ),
  describe: setting.choice(
    {
      callers: 'Anyone who may call',
      everybody: 'Everybody, without a sign-in',
      nobody: 'Nobody',
    },
    { help: 'Who is given the WSDL.', default: 'callers', advanced: true },
  ),
};

const part = setting.choice(
  {
    body: 'The body',
    timestamp: 'The timestamp',
    addressing: 'The headers of WS-Addressing',
  },
  { help: 'A part of the envelope.', default: 'body' },
);

/** What an envelope must prove. */
const securitySettings = setting.group(
  {
    users: setting.list(
      setting.credential({ help: 'The name of a credential.', kinds: ['basic'] }),
      {
        help: 'The accounts of which one must be in a UsernameToken, as text or as a digest: credentials of kind basic.',
        example: '["registry-user"]',
      },
    ),
    trust: setting.optional(
      setting.path({
        help: 'File (PEM) with the certificates that may sign, or those of the authorities that issued them. With it, a signature is required.',
        example: 'tls/partners.pem',
      }),
    ),
    signed: setting.list(part, {
      help: 'What must be signed.',
      default: ['body', 'timestamp'],
    }),
    timestamp: setting.flag({
      help: 'Whether a Timestamp is required. One that is there is always checked.',
      default: false,
    }),
    tolerance: setting.duration({
      help: 'How far the clocks may be apart, and how old a UsernameToken may be. Its nonce is remembered for twice as long.',
      default: '5m',
      advanced: true,
    }),
  },
  {
    help: 'WS-Security that each envelope must have. Callers who sign in by HTTP are checked apart from it.',
  },
);

const who = { callers: callerSettings, claims: callerClaims, security: securitySettings };

const what = {
  deliver: setting.choice(
    {
      body: 'The element in the body of the envelope',
      envelope: 'The whole envelope',
    },
    { help: 'What the message is.', default: 'body' },
  ),
};

const answering = {
  answer: setting.choice(
    {
      stored: 'At once, when the message is stored: with receipt, or an empty body',
      target: 'With the answer of the target, once there is one',
    },
    { help: 'When and with what a call is answered.', default: 'stored' },
  ),
  answerTimeout: setting.duration({
    help: 'How long to wait for the answer of the target; after that the answer is a fault, although the message is stored.',
    default: '30s',
    advanced: true,
  }),
  attachments: setting.choice(
    {
      'as-called': 'With MTOM to a caller that uses it',
      none: 'Binary contents stay in the envelope, in base64',
      mtom: 'They go beside it as parts (MTOM, XOP)',
      swa: 'They go beside it as parts, and the element refers to one by cid: (SOAP with attachments)',
    },
    {
      help: 'How binary contents of answers are sent: elements whose text is base64, of 1 KB and more. Attachments of a call are always put into its XML, in base64.',
      default: 'as-called',
      advanced: true,
    },
  ),
  receipt: setting.optional(
    setting.text({
      help: 'The element that answers a stored message, with its namespace.',
      example: '<Receipt xmlns="urn:lab"><status>taken</status></Receipt>',
    }),
  ),
};

export const soapInSettings = {
  ...where,
  ...service,
  ...who,
  ...what,
  ...answering,
  ...listenerLimits,
};

export type SoapInValues = setting.ValuesOf<typeof soapInSettings>;
