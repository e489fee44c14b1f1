import type { NamedJwtKeys } from '../../src/credential/jwt/token-keys.ts';

const none = (key: string): Promise<never> =>
  Promise.reject(new TypeError(`there is no key ${key} here`));

/** For what signs and verifies nothing. */
export const noKeys: NamedJwtKeys = { sign: none, verify: none, published: none, derived: none };
