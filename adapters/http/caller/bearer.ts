import { type CertificateFacts, EngineError } from 'waybill/adapter';
import { quoted, REALM, type Scheme } from './caller.ts';
import type { CallerValues } from './caller-settings.ts';
import { kept } from './kept.ts';
import type { SchemeLent } from './schemes.ts';
import { tokenOf } from './token-of.ts';

type Claims = Readonly<Record<string, unknown>>;

/** Callers with a token (RFC 6750), signed or opaque. */
export function bearerScheme(
  { verifier }: Pick<SchemeLent, 'verifier'>,
  values: CallerValues,
): Scheme {
  const checks = kept(() => verifier(values.verifier ?? ''));
  const sources = values.from.length > 0 ? values.from : [{ place: 'header' as const, name: '' }];
  const { audience, grants } = values;
  return {
    name: values.scheme,
    kind: 'bearer',
    sources,
    async prove(incoming) {
      const found = tokenOf(incoming, sources);
      if (found === undefined) return { result: 'none' };
      const options = audience.length > 0 ? { audience } : {};
      // What is wrong with the verifier itself is nothing the caller has done.
      const check = await checks();
      try {
        const claims = await check.verify(found.token, options);
        const unbound = bindingProblem(claims, incoming.certificate);
        if (unbound !== undefined) return { result: 'wrong', reason: unbound };
        const scopes = new Set([...grants, ...scopesOf(claims, values.scopeClaim)]);
        const caller = { name: nameOf(claims), scopes };
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

/** A token that is bound to a key (RFC 8705, RFC 9449) is nobody else's, whoever found it. */
function bindingProblem(
  { cnf }: Claims,
  certificate: CertificateFacts | undefined,
): string | undefined {
  const { 'x5t#S256': thumbprint, jkt } = Object(cnf) as { 'x5t#S256'?: unknown; jkt?: unknown };
  if (jkt !== undefined) return 'the token is bound to a key of DPoP, which is not taken here';
  if (thumbprint === undefined) return undefined;
  const shown = certificate && Buffer.from(certificate.fingerprint, 'hex').toString('base64url');
  return shown === thumbprint
    ? undefined
    : 'the token is bound to a client certificate, and the connection shows no such one';
}

/** The first sentence of a refusal, without the name of our credential: the caller may know it. */
function reasonOf({ message }: EngineError): string {
  return /^credential \S+: (.*?)\. /s.exec(message)?.[1] ?? 'the token is not accepted';
}

function nameOf({ sub, client_id: client, azp, appid }: Claims): string {
  const name = [sub, client, azp, appid].find((one) => typeof one === 'string');
  return (name ?? 'a token without a subject').replaceAll(/\p{Cc}/gu, '?').slice(0, 200);
}

/** Scopes stand in a text with blanks between, or in a list. */
function scopesOf(claims: Claims, path: string | undefined): readonly string[] {
  const values =
    path === undefined
      ? [claims['scope'], claims['scp'], claims['roles']]
      : [claimAt(claims, path)];
  return values.flat().flatMap((one) => (typeof one === 'string' ? one.split(' ') : []));
}

function claimAt(claims: Claims, path: string): unknown {
  // A claim may have dots in its own name, as those that are web addresses do.
  if (Object.hasOwn(claims, path)) return claims[path];
  let current: unknown = claims;
  for (const name of path.split('.')) {
    const held = Object(current) as Record<string, unknown>;
    current = Object.hasOwn(held, name) ? held[name] : undefined;
  }
  return current;
}
