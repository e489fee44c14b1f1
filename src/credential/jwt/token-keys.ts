import type { JWK } from 'jose';
import type { Jwt, JwtClaims, JwtSignOptions, JwtVerifyOptions } from './jwt.ts';

/** Signs and verifies with the credentials of kind `jwt-key` of a production, each by its name. */
export interface NamedJwtKeys {
  sign(key: string, claims: JwtClaims, options?: JwtSignOptions): Promise<string>;
  verify(key: string, token: string, options?: JwtVerifyOptions): Promise<JwtClaims>;
  /** The public keys with which others check what it signs, for a JWKS document. */
  published(key: string): Promise<readonly JWK[]>;
  /** A key for one purpose, made of the secret or private key. */
  derived(key: string, purpose: string): Promise<Uint8Array>;
}

export function namedJwtKeys(known: { jwt(name: string): Promise<Jwt> }): NamedJwtKeys {
  return {
    sign: async (key, claims, options) => (await known.jwt(key)).sign(claims, options),
    verify: async (key, token, options) => (await known.jwt(key)).verify(token, options),
    published: async (key) => (await known.jwt(key)).published(),
    derived: async (key, purpose) => (await known.jwt(key)).derived(purpose),
  };
}
