import {
  list,
  optional,
  path,
  type Read,
  type ReadContext,
  readFields,
  type SettingProblem,
  type Settings,
  text,
  type ValuesOf,
} from '../../adapter/setting.ts';
import { nearest } from '../../error/nearest.ts';
import { principalOf } from '../../peer/kerberos/principal.ts';
import type { CredentialEntry } from '../credential-entry.ts';
import { isPkcs12 } from '../pkcs12.ts';
import { pem, secret, secretPem } from '../secret-setting.ts';
import { introspectionProblems, introspectionSettings } from './introspection-settings.ts';
import { jwtKeyProblems, jwtKeySettings } from './jwt-key-settings.ts';
import { type OAuth2Values, oauth2Settings } from './oauth2-settings.ts';

const kerberosSettings = {
  user: text({
    help: 'The account with its realm, in capitals.',
    example: 'svc-waybill@HOSPITAL.EXAMPLE',
  }),
  password: optional(secret({ help: 'The password of the account, if there is no keytab.' })),
  keytab: optional(
    path({
      help: 'The file with the keys of the account, instead of a password.',
      example: 'svc-waybill.keytab',
    }),
  ),
  kdc: list(text({ help: 'Host, and a port if it is not 88.' }), {
    help: 'Where the domain controllers answer, tried in this order; the DNS is asked if left out.',
    advanced: true,
  }),
  service: optional(
    text({
      help: 'Under which name the server is registered, if not HTTP/ and the name in its address.',
      example: 'HTTP/cluster.hospital.example',
      advanced: true,
    }),
  ),
} as const;

const CENTER = /^(?:\[[\da-f:.]+\]|[^\s:/[\]]+)(?::\d{1,5})?$/i;

/** Which parts of such a credential contradict each other. */
function kerberosProblems({
  user,
  password,
  keytab,
  kdc,
  service,
}: ValuesOf<typeof kerberosSettings>): SettingProblem[] {
  const strange = kdc.filter((one) => !CENTER.test(one));
  return [
    ...(principalOf(user) === undefined
      ? [{ path: ['user'], problem: 'needs its realm, in capitals: name@HOSPITAL.EXAMPLE' }]
      : []),
    ...((password === undefined) === (keytab === undefined)
      ? [{ path: ['password'], problem: 'write either password or keytab' }]
      : []),
    ...strange.map((one) => ({
      path: ['kdc'],
      problem: `${one} is not a host, or a host and its port: dc1.hospital.example`,
    })),
    ...(service === undefined || /^[^/@\s]+\/[^/@\s]+$/.test(service)
      ? []
      : [{ path: ['service'], problem: 'write HTTP/ and a name, without a realm' }]),
  ];
}

/** What the checker, the console's form and the reference page know about a kind of credential. */
export interface CredentialKindDeclaration<S extends Settings = Settings> {
  readonly title: string;
  /** One sentence for lists. */
  readonly summary: string;
  readonly settings: S;
  /** Problems between the values; each of them is valid on its own. */
  problems?(values: ValuesOf<S>): readonly SettingProblem[];
}

const kind = <const S extends Settings>(
  declaration: CredentialKindDeclaration<S>,
): CredentialKindDeclaration<S> => declaration;

const user = text({ help: 'The name to sign in with.', example: 'interface' });

/** Every kind of credential, each setting declared once. */
export const credentialKinds = {
  basic: kind({
    title: 'User and password',
    summary: 'A user name and a password: HTTP Basic, SMTP, IMAP, FTP, SQL.',
    settings: { user, password: secret({ help: 'The password of the user.' }) },
  }),
  bearer: kind({
    title: 'Fixed token',
    summary: 'A token or API key that somebody issued and that does not change by itself.',
    settings: {
      token: secret({ help: 'The token, without the word Bearer.' }),
      user: optional(text({ help: 'The mailbox the token is for, if the protocol needs it.' })),
    },
  }),
  ntlm: kind({
    title: 'Windows account (NTLM)',
    summary: 'A Windows account for web services that ask for NTLM.',
    settings: {
      user,
      password: secret({ help: 'The password of the account.' }),
      domain: optional(text({ help: 'The Windows domain.', example: 'HOSPITAL' })),
      workstation: optional(
        text({ help: 'The machine name to send; none if left out.', advanced: true }),
      ),
    },
    problems: ({ user: name }) =>
      name.includes('\\')
        ? [{ path: ['user'], problem: 'is DOMAIN\\user. Put what precedes the \\ under domain.' }]
        : [],
  }),
  kerberos: kind({
    title: 'Kerberos account',
    summary: 'An account of a Windows domain or of MIT Kerberos, for web services (Negotiate).',
    settings: kerberosSettings,
    problems: kerberosProblems,
  }),
  'ssh-key': kind({
    title: 'SSH key',
    summary: 'A private key for SFTP and SSH, plus a password if the server wants both.',
    settings: {
      user,
      privateKey: secretPem({
        help: 'The private key: OpenSSH, PEM or PuTTY format; the text, or the path of its file.',
      }),
      passphrase: optional(secret({ help: 'The passphrase of the key, if it is encrypted.' })),
      password: optional(
        secret({ help: 'For servers that ask for a password after the key.', advanced: true }),
      ),
    },
  }),
  certificate: kind({
    title: 'Certificate',
    summary: 'A certificate with its private key, for listeners and for mutual TLS.',
    settings: {
      certificate: pem({
        help: 'The certificate followed by its chain, PEM: the text, or the path of a file that is watched for renewal. Or the path of a PKCS#12 file (.p12, .pfx) that also contains the key.',
        example: 'tls/hub.crt',
      }),
      key: optional(
        secretPem({
          help: 'Its private key, PEM text or path. Leave it out if the certificate is a PKCS#12 file.',
          example: 'tls/hub.key',
        }),
      ),
      passphrase: optional(
        secret({ help: 'The passphrase of the key or of the PKCS#12 file, if it is encrypted.' }),
      ),
    },
    problems: ({ certificate, key }) => {
      if (isPkcs12(certificate) === (key === undefined)) return [];
      const problem =
        key === undefined ? 'is required' : 'must be left out: the PKCS#12 file contains the key';
      return [{ path: ['key'], problem }];
    },
  }),
  oauth2: kind({
    title: 'OAuth2 client',
    summary:
      'A token that the engine fetches, caches and renews: Entra, Epic, Keycloak and others.',
    settings: oauth2Settings,
    problems: oauth2Problems,
  }),
  'jwt-key': kind({
    title: 'JWT key',
    summary: 'A key that signs the tokens we send to a peer, or that checks those callers send us.',
    settings: jwtKeySettings,
    problems: jwtKeyProblems,
  }),
  introspection: kind({
    title: 'Token introspection',
    summary: 'Checks tokens of callers by asking the server that issued them (RFC 7662).',
    settings: introspectionSettings,
    problems: introspectionProblems,
  }),
} as const;

type Kinds = typeof credentialKinds;

/** The values of a credential of any kind, read and checked. */
export type CredentialValues = {
  [K in keyof Kinds]: { readonly kind: K } & ValuesOf<Kinds[K]['settings']>;
}[keyof Kinds];

/** Reads an entry by its kind: reports every problem at once, each with its path below the entry. */
export function readCredential(
  entry: Pick<CredentialEntry, 'kind' | 'values'>,
  context: ReadContext,
): Read<CredentialValues> {
  const kinds: Readonly<Record<string, CredentialKindDeclaration>> = credentialKinds;
  if (!Object.hasOwn(kinds, entry.kind)) return { ok: false, problems: [unknownKind(entry.kind)] };
  const declaration = kinds[entry.kind];
  const { kind: _, ...given } = entry.values;
  const read = readFields(declaration?.settings ?? {}, given, context);
  if (!read.ok) return read;
  const problems = declaration?.problems?.(read.value) ?? [];
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, value: { ...read.value, kind: entry.kind } as CredentialValues };
}

function unknownKind(given: string): SettingProblem {
  const known = Object.keys(credentialKinds);
  const near = nearest(given, known);
  const remedy = near === undefined ? `use one of ${known.join(', ')}` : `did you mean ${near}?`;
  return { path: ['kind'], problem: `there is no kind ${JSON.stringify(given)}; ${remedy}` };
}

type Name = keyof OAuth2Values;

const ENTRA_ONLY: readonly Name[] = ['tenant'];
const GENERIC_ONLY: readonly Name[] = ['issuer', 'tokenUrl', 'audience'];
const WAYS = {
  entra: ['secret', 'certificate', 'federatedToken'],
  generic: ['secret', 'privateKeyJwt', 'mutualTls'],
  'azure-identity': [],
} as const;

const PROBLEMS: Readonly<
  Record<OAuth2Values['provider'], (values: OAuth2Values) => SettingProblem[]>
> = {
  entra: entraProblems,
  generic: genericProblems,
  'azure-identity': identityProblems,
};
const MANY_TENANTS = new Set(['common', 'organizations', 'consumers']);

/** Problems between the settings, after each was read on its own. */
function oauth2Problems(values: OAuth2Values): SettingProblem[] {
  return [
    ...PROBLEMS[values.provider](values),
    ...clientProblems(values),
    ...grantProblems(values),
    ...authenticationProblems(values),
    ...addressProblems(values),
  ];
}

const at = (where: string | readonly string[], problem: string): SettingProblem => ({
  path: typeof where === 'string' ? [where] : where,
  problem,
});

function clientProblems({ provider, clientId }: OAuth2Values): SettingProblem[] {
  return clientId === '' && provider !== 'azure-identity' ? [at('clientId', 'is required')] : [];
}

function genericOnlyProblems(values: OAuth2Values): SettingProblem[] {
  const problems = GENERIC_ONLY.filter((name) => values[name] !== undefined).map((name) =>
    at(name, 'is for provider generic only; remove it'),
  );
  if (values.resource.length > 0) {
    problems.push(at('resource', 'is for provider generic; Entra takes it as scope'));
  }
  return problems;
}

/** Which tenant it is, and how it proves itself, is known where it runs. */
function identityProblems(values: OAuth2Values): SettingProblem[] {
  const problems = [...genericOnlyProblems(values), ...scopeProblems(values)];
  if (values.tenant !== undefined) {
    problems.push(at('tenant', 'is for provider entra only; remove it'));
  }
  return problems;
}

function entraProblems(values: OAuth2Values): SettingProblem[] {
  const { tenant } = values;
  const problems = genericOnlyProblems(values);
  if (tenant === undefined)
    problems.push(at('tenant', 'is required for Entra: the id of the tenant'));
  else if (MANY_TENANTS.has(tenant)) {
    problems.push(at('tenant', `must be one tenant, not ${tenant}: give its id or domain`));
  }
  return [...problems, ...scopeProblems(values)];
}

function scopeProblems({ scope }: OAuth2Values): SettingProblem[] {
  if (scope === undefined) {
    return [at('scope', 'is required for Entra, such as https://graph.microsoft.com/.default')];
  }
  if (/^\S+\/\.default$/.test(scope)) return [];
  const why = 'must be one resource followed by /.default';
  return [at('scope', `${why}; single permissions are granted in the app registration`)];
}

function genericProblems(values: OAuth2Values): SettingProblem[] {
  const problems = ENTRA_ONLY.filter((name) => values[name] !== undefined).map((name) =>
    at(name, 'is for provider entra only; remove it'),
  );
  const { issuer, tokenUrl } = values;
  if (issuer === undefined && tokenUrl === undefined) {
    problems.push(at('issuer', 'is required, or tokenUrl: where the token comes from'));
  }
  if (values.authentication?.privateKeyJwt?.audience === 'issuer' && issuer === undefined) {
    problems.push(at('issuer', 'is required when the assertion names the issuer as its audience'));
  }
  return problems;
}

function grantProblems({
  grant,
  provider,
  authentication,
  subject,
}: OAuth2Values): SettingProblem[] {
  if (grant !== 'jwt-bearer') {
    return subject === undefined ? [] : [at('subject', 'is for grant jwt-bearer only; remove it')];
  }
  if (provider !== 'generic') return [at('grant', 'jwt-bearer is for provider generic only')];
  return authentication?.privateKeyJwt === undefined
    ? [at(['authentication', 'privateKeyJwt'], 'is required with grant jwt-bearer: its key signs')]
    : [];
}

/** With `jwt-bearer` the key makes the grant, and a secret or certificate may additionally prove the client. */
const isSecondProof = ({ grant }: OAuth2Values, given: readonly string[]): boolean =>
  grant === 'jwt-bearer' && given.length === 2 && given.includes('privateKeyJwt');

function authenticationProblems(values: OAuth2Values): SettingProblem[] {
  const { provider, authentication } = values;
  if (provider === 'azure-identity') {
    return authentication === undefined
      ? []
      : [at('authentication', 'is for other providers: a managed identity needs none; remove it')];
  }
  const ways: readonly string[] = WAYS[provider];
  const one = `one of ${ways.join(', ')}`;
  if (authentication === undefined) return [at('authentication', `is required, with ${one}`)];
  const given = Object.entries(authentication)
    .filter(([name, value]) => name !== 'secretIn' && value !== undefined)
    .map(([name]) => name);
  const foreign = given.filter((name) => !ways.includes(name));
  const problems = foreign.map((name) =>
    at(['authentication', name], `does not work with provider ${provider}; use ${one}`),
  );
  if (given.length > 1 && !isSecondProof(values, given))
    problems.push(at('authentication', `has ${given.join(' and ')}; keep one`));
  if (given.length === 0) problems.push(at('authentication', `needs ${one}`));
  const { federatedToken } = authentication;
  if (
    federatedToken !== undefined &&
    (federatedToken.file === undefined) === (federatedToken.environment === undefined)
  ) {
    problems.push(at(['authentication', 'federatedToken'], 'needs either file or environment'));
  }
  return problems;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Secrets are sent to these addresses: only loopback may be without TLS. */
function addressProblems({
  authority,
  issuer,
  tokenUrl,
  provider,
}: OAuth2Values): SettingProblem[] {
  return Object.entries({ authority, issuer, tokenUrl }).flatMap(([name, url]) => {
    if (url === undefined || url.protocol === 'https:') return [];
    const local = url.protocol === 'http:' && LOOPBACK.has(url.hostname);
    return local && provider === 'generic' ? [] : [at(name, 'must be an https address')];
  });
}
