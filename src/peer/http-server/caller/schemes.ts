import { createHmac } from 'node:crypto';
import type { LentInbound } from '../../../adapter/adapter.ts';
import type { CertificateFacts } from '../../../adapter/certificate-facts.ts';
import type { Credential } from '../../../adapter/credential.ts';
import type { Settings } from '../../../adapter/setting.ts';
import { DisableError } from '../../../error/adapter-error.ts';
import { EngineError } from '../../../error/engine-error.ts';
import { claimAt } from '../../../message/caller.ts';
import { kept } from '../../kept.ts';
import { isSameSecret } from '../../same-secret.ts';
import { cookieOf, type Incoming } from '../incoming.ts';
import { type Caller, type Proof, quoted, REALM, type Scheme } from './caller.ts';
import type { CallerValues, TokenSource } from './caller-settings.ts';

export type SchemeLent = Pick<LentInbound<Settings>, 'credential' | 'verifier' | 'signal'>;

/** The schemes of a service, one for each entry of `callers`. */
export function schemesOf(
  lent: SchemeLent,
  entries: readonly (CallerValues | undefined)[],
): readonly Scheme[] {
  return entries.flatMap((entry) => (entry === undefined ? [] : [schemeOf(lent, entry)]));
}

const KINDS: Readonly<
  Record<CallerValues['kind'], (lent: SchemeLent, values: CallerValues) => Scheme>
> = {
  'api-key': apiKeyScheme,
  basic: basicScheme,
  bearer: bearerScheme,
  hmac: (lent, values) => hmacScheme(values, secretsOf(lent, values)),
  certificate: (_, values) => certificateScheme(values),
};

const schemeOf = (lent: SchemeLent, values: CallerValues): Scheme =>
  KINDS[values.kind](lent, values);

const granted = (
  name: string,
  { kind, grants }: CallerValues,
): Extract<Proof, { result: 'proven' }> => ({
  result: 'proven',
  caller: { name, kind, scopes: new Set(grants) } satisfies Caller,
});

export interface NamedSecret {
  readonly name: string;
  readonly secret: string;
}

/** The fixed tokens behind the credentials of an entry, by their names. */
function secretsOf(
  { credential, signal }: SchemeLent,
  { credentials, kind }: CallerValues,
): () => Promise<readonly NamedSecret[]> {
  return kept(() =>
    Promise.all(
      credentials.map(async (name) => {
        const found = await credential(name);
        if (found.kind !== 'bearer') throw misfit(name, kind, 'bearer');
        return { name, secret: await found.token(signal, { fresh: true }) };
      }),
    ),
  );
}

function apiKeyScheme(lent: SchemeLent, values: CallerValues): Scheme {
  const secrets = secretsOf(lent, values);
  // a plain `header`, or nothing at all, means the usual one
  const sources = (
    values.from.length > 0 ? values.from : [{ place: 'header' as const, name: '' }]
  ).map(({ place, name }) => ({
    place,
    name: place === 'header' && name === '' ? 'X-API-Key' : name,
  }));
  return {
    name: values.scheme,
    kind: 'api-key',
    sources,
    async prove(incoming) {
      const found = tokenOf(incoming, sources);
      if (found === undefined) return { result: 'none' };
      // each is compared, so that the time says nothing
      // oxlint-disable-next-line unicorn/prefer-array-find
      const known = (await secrets()).filter(({ secret }) => isSameSecret(secret, found.token));
      const [first] = known;
      return first === undefined
        ? { result: 'wrong', reason: 'the key is unknown' }
        : { ...granted(first.name, values), cookie: found.place === 'cookie' };
    },
    challenge: () => `ApiKey ${REALM}`,
  };
}

function basicScheme({ credential }: SchemeLent, values: CallerValues): Scheme {
  type Account = Extract<Credential, { kind: 'basic' }>;
  const accounts = kept(() =>
    Promise.all(
      values.credentials.map(async (name): Promise<Account> => {
        const found = await credential(name);
        if (found.kind !== 'basic') throw misfit(name, values.kind, 'basic');
        return found;
      }),
    ),
  );
  return {
    name: values.scheme,
    kind: 'basic',
    sources: [],
    async prove({ headers }) {
      const [, proof] = /^Basic +([A-Za-z0-9+/]+=*) *$/i.exec(headers.authorization ?? '') ?? [];
      if (proof === undefined) return { result: 'none' };
      const [, user = '', password = ''] =
        /^([^:]*):(.*)$/s.exec(Buffer.from(proof, 'base64').toString('utf8')) ?? [];
      // Every account is compared, so that the time reveals nothing about which users exist.
      const fitting = (await accounts()).filter((one) =>
        isSameSecret(`${one.user}\0${one.password}`, `${user}\0${password}`),
      );
      return fitting.length > 0
        ? granted(user, values)
        : { result: 'wrong', reason: 'user or password is wrong' };
    },
    challenge: () => `Basic ${REALM}, charset="UTF-8"`,
  };
}

function certificateScheme(values: CallerValues): Scheme {
  return {
    name: values.scheme,
    kind: 'certificate',
    sources: [],
    prove: ({ certificate }: Incoming) =>
      Promise.resolve(
        certificate === undefined ? { result: 'none' } : granted(certificate.subject, values),
      ),
    challenge: (reason) =>
      `Certificate ${REALM}${reason === undefined ? '' : `, error_description=${quoted(reason)}`}`,
  };
}

function misfit(name: string, kind: string, needed: string): DisableError {
  return new DisableError(
    `callers: the credential ${name} cannot be used for kind ${kind}. Name one of kind ${needed}.`,
  );
}

type Claims = Readonly<Record<string, unknown>>;

/** Callers with a token (RFC 6750), signed or opaque. */
function bearerScheme({ verifier }: Pick<SchemeLent, 'verifier'>, values: CallerValues): Scheme {
  const checks = kept(() => verifier(values.verifier ?? ''));
  const sources = values.from.length > 0 ? values.from : [{ place: 'header' as const, name: '' }];
  const { audience, grants } = values;
  return {
    name: values.scheme,
    kind: 'bearer',
    sources,
    scopesFrom: values.scopeClaim ?? ['scope', 'scp', 'roles'].join(', '),
    async prove(incoming) {
      const found = tokenOf(incoming, sources);
      if (found === undefined) return { result: 'none' };
      const options = audience.length > 0 ? { audience } : {};
      // A problem of the verifier itself is not the caller's fault.
      const check = await checks();
      try {
        const claims = await check.verify(found.token, options);
        const unbound = bindingProblem(claims, incoming.certificate);
        if (unbound !== undefined) return { result: 'wrong', reason: unbound };
        const scopes = new Set([...grants, ...scopesOf(claims, values.scopeClaim)]);
        const caller = { name: nameOf(claims), kind: 'bearer' as const, scopes, claims };
        return { result: 'proven', caller, cookie: found.place === 'cookie' };
      } catch (error) {
        if (error instanceof EngineError && error.code === 'CREDENTIAL_REFUSED') {
          return { result: 'wrong', reason: reasonOf(error) };
        }
        throw error;
      }
    },
    challenge: (reason) =>
      reason === undefined
        ? `Bearer ${REALM}`
        : `Bearer ${REALM}, error="invalid_token", error_description=${quoted(reason)}`,
  };
}

/** A token that is bound to a key (RFC 8705, RFC 9449) is useless to anybody else. */
function bindingProblem(
  { cnf }: Claims,
  certificate: CertificateFacts | undefined,
): string | undefined {
  const { 'x5t#S256': thumbprint, jkt } = Object(cnf) as { 'x5t#S256'?: unknown; jkt?: unknown };
  if (jkt !== undefined) return 'the token is bound to a DPoP key, which is not supported here';
  if (thumbprint === undefined) return undefined;
  const shown = certificate && Buffer.from(certificate.fingerprint, 'hex').toString('base64url');
  return shown === thumbprint
    ? undefined
    : 'the token is bound to a client certificate that the connection does not have';
}

/** The first sentence of a refusal, without the name of our credential: the caller may see it. */
function reasonOf({ message }: EngineError): string {
  return /^credential \S+: (.*?)\. /s.exec(message)?.[1] ?? 'the token is not accepted';
}

function nameOf({ sub, client_id: client, azp, appid }: Claims): string {
  const name = [sub, client, azp, appid].find((one) => typeof one === 'string');
  return (name ?? 'a token without a subject').replaceAll(/\p{Cc}/gu, '?').slice(0, 200);
}

/** Scopes are a text with blanks between, or a list. */
function scopesOf(claims: Claims, path: string | undefined): readonly string[] {
  const values =
    path === undefined
      ? [claims['scope'], claims['scp'], claims['roles']]
      : [claimAt(claims, path)];
  return values.flat().flatMap((one) => (typeof one === 'string' ? one.split(' ') : []));
}

/** Callers who sign the body with a shared key, as webhooks do. */
function hmacScheme(values: CallerValues, secrets: () => Promise<readonly NamedSecret[]>): Scheme {
  const header = values.signatureHeader.toLowerCase();
  return {
    name: values.scheme,
    kind: 'hmac',
    sources: [],
    async prove({ headers }, body) {
      const shown = headers[header]?.toString().trim();
      if (shown === undefined || shown === '') return { result: 'none' };
      const time =
        values.timestampHeader && headers[values.timestampHeader.toLowerCase()]?.toString();
      const stale =
        values.timestampHeader === undefined ? undefined : staleness(time, values.tolerance);
      if (stale !== undefined) return { result: 'wrong', reason: stale };
      const signed = time ? Buffer.concat([Buffer.from(`${time}.`), await body()]) : await body();
      return verdict(shown, signed, { values, known: await secrets() });
    },
    challenge: () => `Signature ${REALM}`,
  };
}

function staleness(time: string | undefined, tolerance: number): string | undefined {
  if (time === undefined) return 'the time of the signature is missing';
  const at = /^\d+$/.test(time) ? Number(time) * 1_000 : Date.parse(time);
  return Math.abs(Date.now() - at) <= tolerance
    ? undefined
    : 'the signature is too old or from the future';
}

function verdict(
  shown: string,
  signed: Buffer,
  { values, known }: { readonly values: CallerValues; readonly known: readonly NamedSecret[] },
): Proof {
  const value = shown.replace(/^sha256=/i, '');
  const encoding = /^[0-9a-f]{64}$/i.test(value) ? 'hex' : 'base64';
  const given = Buffer.from(value, encoding);
  const signer = known.find(({ secret }) =>
    isSameSecret(createHmac('sha256', secret).update(signed).digest(), given),
  );
  if (signer === undefined) {
    return {
      result: 'wrong',
      reason: 'the signature does not match this body with any known key',
    };
  }
  const scopes = new Set(values.grants);
  // of the bytes, not as written: anybody can change case and encoding
  return {
    result: 'proven',
    caller: { name: signer.name, kind: 'hmac', scopes, signature: given.toString('hex') },
  };
}

interface FoundToken {
  readonly token: string;
  readonly place: TokenSource['place'];
}

/** The first key or token of a request, in the order of the possible places. */
function tokenOf(incoming: Incoming, sources: readonly TokenSource[]): FoundToken | undefined {
  for (const { place, name } of sources) {
    const token = valueAt(incoming, { place, name });
    if (token !== undefined && token !== '') return { token, place };
  }
  return undefined;
}

function valueAt({ headers, query }: Incoming, { place, name }: TokenSource): string | undefined {
  if (place === 'query') return query.get(name) ?? undefined;
  if (place === 'cookie') return cookieOf(headers, name);
  if (name !== '') return headers[name.toLowerCase()]?.toString().replace(/^Bearer +/i, '');
  return /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
}
