import { createHash, createHmac, randomBytes } from 'node:crypto';

/**
 * A refresh token: which grant it belongs to, and its secret. The first part is secret too; the
 * grant's id is its hash, so who knows the id cannot make a token that looks like an old one, and
 * end the grant with it.
 */
export interface GrantToken {
  readonly root: string;
  readonly secret: string;
}

export function newToken(): GrantToken {
  return {
    root: randomBytes(16).toString('base64url'),
    secret: randomBytes(32).toString('base64url'),
  };
}

export const tokenText = ({ root, secret }: GrantToken): string => `${root}.${secret}`;

/** Undefined for what cannot be one of ours. */
export function readToken(text: string): GrantToken | undefined {
  const [, root, secret] = /^([\w-]{22})\.([\w-]{43})$/.exec(text) ?? [];
  return root === undefined || secret === undefined ? undefined : { root, secret };
}

export const idOf = ({ root }: GrantToken): string => hashOf(root).slice(0, 22);

export const hashOf = (text: string): string =>
  createHash('sha256').update(text).digest('base64url');

/**
 * The token after this one. With the same salt it is the same, so it need not be stored to be given
 * again; who knows the salt alone cannot make it.
 */
export function nextToken({ root, secret }: GrantToken, salt: string): GrantToken {
  return { root, secret: createHmac('sha256', salt).update(secret).digest('base64url') };
}
