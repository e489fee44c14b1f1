/** A user of a service, as what knows them says now. */
export interface User {
  /** As whom they call, whichever way they wrote their name. */
  readonly name: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** Changes with the password, and says nothing of it. */
  readonly proof: string;
}

/** What knows users with passwords. */
export interface Users {
  /** Stored with a sign-in. */
  readonly via: string;
  /**
   * The user with this password. `unknown`: somebody else may know them. Rejects with an EngineError if it cannot be
   * asked now, and with a Refusal where the person may know why they are refused.
   */
  signedIn(name: string, password: string): Promise<User | 'wrong' | 'unknown'>;
  /** The user as they are now; undefined for one who may no longer sign in. `claims` are those of the sign-in. */
  now(name: string, before: User): Promise<User | undefined>;
}

/** Claims that neither a table nor a directory nor a provider can set: they are ours. */
const OWN: ReadonlySet<string> = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid']);

/** Without those that are ours. */
export const ownClaims = (claims: Readonly<Record<string, unknown>>): User['claims'] =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => !OWN.has(name)));
