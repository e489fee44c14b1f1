import {
  generateKeyPair,
  type KeyObject,
  type KeyPairKeyObjectResult,
  randomBytes,
  randomUUID,
} from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, errors, exportJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../../src/time/clock.ts';
import type { ClientProof } from './client-check.ts';
import type { EntraApplication } from './entra-application.ts';

/** The claims of a token for an application, as far as a resource checks them. */
export interface EntraClaims {
  /** The resource. */
  readonly aud: string;
  readonly appid: string;
  readonly tid: string;
  readonly roles: readonly string[];
  readonly exp: number;
}

export type TokenVerdict =
  | { readonly valid: true; readonly claims: EntraClaims }
  /** `reason` is the text that a resource would put into `WWW-Authenticate`. */
  | { readonly valid: false; readonly reason: string };

export interface TokenRequest {
  readonly application: EntraApplication;
  readonly resource: string;
  readonly proof: ClientProof;
  /** Seconds. */
  readonly lifetime: number;
}

/** Signs and checks access tokens of one tenant, in the format for Microsoft Graph (version 1.0). */
export interface EntraTokens {
  readonly jwks: { readonly keys: readonly JWK[] };
  readonly issue: (request: TokenRequest) => Promise<string>;
  readonly validate: (token: string) => Promise<TokenVerdict>;
  /** Refuses all tokens issued so far. */
  readonly revoke: () => void;
}

/** Entra backdates its tokens, for slow clocks. */
const BACKDATED = 300;

/** One pair for this process: making one takes sixty milliseconds of the processor, and issuers tell tenants apart. */
let made: Promise<KeyPairKeyObjectResult> | undefined;

export async function entraTokens(tenant: string, clock: Clock): Promise<EntraTokens> {
  made ??= promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const { publicKey, privateKey } = await made;
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  const issuer = `https://sts.windows.net/${tenant}/`;
  let valid = new Set<string>();
  const seconds = (): number => Math.floor(clock.now() / 1_000);
  return {
    jwks: { keys: [{ ...jwk, kid, use: 'sig', alg: 'RS256' }] },
    async issue(request) {
      const uti = randomBytes(16).toString('base64url');
      valid.add(uti);
      const claims = { ...claimsOf(request, tenant), uti, iss: issuer };
      return sign(claims, privateKey, { kid, now: seconds(), lifetime: request.lifetime });
    },
    async validate(token) {
      try {
        const { payload } = await jwtVerify(token, publicKey, {
          issuer,
          algorithms: ['RS256'],
          currentDate: new Date(clock.now()),
        });
        const isRevoked = !valid.has(String(payload['uti']));
        return isRevoked
          ? { valid: false, reason: 'Continuous access evaluation resulted in challenge.' }
          : { valid: true, claims: payload as unknown as EntraClaims };
      } catch (error) {
        return { valid: false, reason: reasonOf(error) };
      }
    },
    revoke() {
      valid = new Set();
    },
  };
}

function claimsOf(
  { application, resource, proof }: TokenRequest,
  tenant: string,
): Record<string, unknown> {
  const { clientId, name = clientId, roles = {} } = application;
  const object = randomUUID();
  return {
    aud: resource,
    app_displayname: name,
    appid: clientId,
    appidacr: proof,
    idp: `https://sts.windows.net/${tenant}/`,
    idtyp: 'app',
    oid: object,
    sub: object,
    roles: roles[resource] ?? [],
    tid: tenant,
    ver: '1.0',
  };
}

async function sign(
  claims: Record<string, unknown>,
  key: KeyObject,
  { kid, now, lifetime }: { kid: string; now: number; lifetime: number },
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ typ: 'JWT', alg: 'RS256', kid, x5t: kid })
    .setIssuedAt(now - BACKDATED)
    .setNotBefore(now - BACKDATED)
    .setExpirationTime(now + lifetime)
    .sign(key);
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) {
    return 'Lifetime validation failed, the token is expired.';
  }
  return 'IDX10511: Signature validation failed.';
}
