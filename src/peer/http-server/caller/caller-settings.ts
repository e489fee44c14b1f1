import type { SettingsFault } from '../../../adapter/adapter.ts';
import * as setting from '../../../adapter/setting.ts';

/** Where a key or token is in a request. */
export interface TokenSource {
  readonly place: 'header' | 'cookie' | 'query';
  /** `''` for `Authorization: Bearer …`. */
  readonly name: string;
}

const tokenSource: setting.Setting<TokenSource, string> = {
  kind: 'text',
  help: 'Where the key or token is: header (Authorization: Bearer), header:NAME, cookie:NAME or query:NAME.',
  example: 'header:X-API-Key',
  read: (given) => {
    const [, place, name = ''] =
      typeof given === 'string' ? (/^(header|cookie|query)(?::([\w.-]+))?$/.exec(given) ?? []) : [];
    return place === undefined || (place !== 'header' && name === '')
      ? setting.bad('must be header, header:NAME, cookie:NAME or query:NAME')
      : setting.good({ place: place as TokenSource['place'], name });
  },
};

const fields = {
  kind: setting.choice(
    {
      'api-key': 'A key that was issued: one of credentials, of kind bearer',
      basic: 'User and password: one of credentials, of kind basic',
      bearer: 'A token that verifier checks',
      certificate: 'The client certificate of the connection; tls must ask for it',
      hmac: 'A signature of the body, made with one of credentials, of kind bearer; if it is sent again within the duplicate window, the request is answered as the first time and delivered once',
    },
    { help: 'How these callers prove who they are.', default: 'bearer' },
  ),
  scheme: setting.optional(
    setting.text({
      help: 'The name of the security scheme in the OpenAPI document that this entry is for.',
      advanced: true,
    }),
  ),
  credentials: setting.list(
    setting.credential({ help: 'The name of a credential.', kinds: ['basic', 'bearer'] }),
    { help: 'The keys, accounts or shared keys that are accepted.', example: '["lab-key"]' },
  ),
  verifier: setting.optional(
    setting.credential({
      help: 'How tokens are checked. Signed ones (JWT): a credential of kind jwt-key, with the address of the published keys (jwksUrl), issuer and audience. Opaque ones: a credential of kind introspection.',
      kinds: ['jwt-key', 'introspection'],
    }),
  ),
  audience: setting.list(setting.text({ help: 'A value of aud.' }), {
    help: 'Whom a token must be meant for, if the verifier does not say it.',
    advanced: true,
  }),
  scopeClaim: setting.optional(
    setting.text({
      help: 'The claim with the scopes, with dots between levels. Default: scope, scp and roles.',
      example: 'realm_access.roles',
      advanced: true,
    }),
  ),
  grants: setting.list(setting.text({ help: 'A scope.' }), {
    help: 'The scopes that each of these callers has, besides those in a token.',
    example: '["results.read"]',
  }),
  from: setting.list(tokenSource, {
    help: 'Where the key or token is looked for, in this order. Default: the Authorization header for tokens and X-API-Key for keys.',
    example: '["header", "cookie:session"]',
  }),
  signatureHeader: setting.text({
    help: 'The header with the signature of the body: hex or base64, with or without a leading sha256=.',
    default: 'X-Hub-Signature-256',
    advanced: true,
  }),
  timestampHeader: setting.optional(
    setting.text({
      help: 'The header with the time of the signature (seconds since 1970 or ISO 8601), which is then signed as time, dot, body, so that an old request cannot be replayed.',
      advanced: true,
    }),
  ),
  tolerance: setting.duration({
    help: 'How far off the time of a signature may be.',
    default: '5m',
    advanced: true,
  }),
};

export type CallerValues = setting.ValuesOf<typeof fields>;
type CallerGiven = setting.SettingsOf<typeof fields>;

const one = setting.group(fields, {
  help: 'One kind of caller: how they prove who they are, and what they may do.',
});

/** What an entry lacks for its kind. */
function missing({ kind, credentials, verifier }: CallerValues): setting.SettingProblem[] {
  const needsCredentials = kind === 'api-key' || kind === 'basic' || kind === 'hmac';
  if (needsCredentials && credentials.length === 0) {
    return [
      { path: ['credentials'], problem: `must name at least one credential for kind ${kind}` },
    ];
  }
  return kind === 'bearer' && verifier === undefined
    ? [
        {
          path: ['verifier'],
          problem:
            'is required for kind bearer: the name of a credential of kind jwt-key or introspection',
        },
      ]
    : [];
}

const entry: setting.Setting<CallerValues | undefined, CallerGiven | undefined> = {
  ...one,
  read: (given, context) => {
    const read = one.read(given, context);
    const problems = read.ok && read.value !== undefined ? missing(read.value) : [];
    return problems.length > 0 ? { ok: false, problems } : read;
  },
};

/** What of a caller's token goes with a message. */
export const callerClaims = setting.list(
  setting.text({ help: 'A claim, with dots between levels.' }),
  {
    help: 'Which claims of a caller go with the message, for claim(…) in expressions and the trace. If empty, all that are about the caller.',
    example: '["ward", "realm_access.roles"]',
    advanced: true,
  },
);

export const callerSettings = setting.list(entry, {
  help: 'Who may call: each entry is one way to prove it, and one match is enough. If empty, everybody is let in, unless the OpenAPI document says otherwise.',
});

/** Callers who are known by a certificate, where nobody is asked for one. */
export function certificateFaults({
  callers,
  tls,
}: {
  readonly callers: readonly ({ readonly kind: string } | undefined)[];
  readonly tls?: { readonly clientCertificate: string } | undefined;
}): SettingsFault[] {
  const needsCertificate = callers.some((caller) => caller?.kind === 'certificate');
  if (!needsCertificate || (tls?.clientCertificate ?? 'none') !== 'none') return [];
  return [
    {
      path: ['callers'],
      what: 'kind certificate needs a client certificate, but none is requested',
      remedy: 'Set clientCertificate: requested or required under tls.',
    },
  ];
}
