import {
  optional,
  type Read,
  type ReadContext,
  readFields,
  type SettingProblem,
  type Settings,
  text,
  type ValuesOf,
} from '../../adapter/setting.ts';
import { nearest } from '../../error/nearest.ts';
import type { CredentialEntry } from '../credential-entry.ts';
import { isPkcs12 } from '../pkcs12.ts';
import { pem, secret, secretPem } from '../secret-setting.ts';
import { introspectionProblems, introspectionSettings } from './introspection-settings.ts';
import { jwtKeyProblems, jwtKeySettings } from './jwt-key-settings.ts';
import { oauth2Problems } from './oauth2-problems.ts';
import { oauth2Settings } from './oauth2-settings.ts';

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
