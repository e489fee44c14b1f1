/**
 * The sign-ins of a service's own users, durable and the same for every engine. A grant is one sign-in;
 * it has one refresh token, which is used once and gives the next.
 */
export interface Grants {
  /** Begins a grant: call it once the person or program has proven who it is. */
  begin(of: { readonly subject: string; readonly claims: GrantClaims }): Promise<IssuedGrant>;
  /**
   * Takes a refresh token and gives the next one. The same token again, shortly after, gives the same
   * next one: an answer may be lost, and two tabs of a browser may be too fast. Later it ends the
   * grant, as either of the two who have it may be a thief.
   */
  rotate(token: string): Promise<IssuedGrant | RefusedGrant>;
  /** The grant with this id while it lasts: what a service asks before it takes an access token. */
  find(id: string): Promise<Grant | undefined>;
  /**
   * Changes what is kept with a grant while it lasts; nobody else's change is lost. `work` may be called again, and
   * changes nothing by undefined. Resolves to the grant as it is then; undefined if it has ended.
   */
  change(
    id: string,
    work: (claims: GrantClaims) => GrantClaims | undefined,
  ): Promise<Grant | undefined>;
  /** Ends a grant by its id or by any of its refresh tokens. Resolves to it, if there was one. */
  end(by: { readonly id: string } | { readonly token: string }): Promise<Grant | undefined>;
  /** Ends every grant of a subject, also those that other engines begin at this moment. */
  endAll(subject: string): Promise<void>;
  /**
   * Whether this is the first use of what may be used once, such as the `jti` of an assertion, at any engine. It is
   * remembered until then (milliseconds since 1970).
   */
  once(what: string, until: number): Promise<boolean>;
  /** Ends the grants that are meant; resolves to how many. It reads all of them: for what happens seldom. */
  endWhere(isMeant: (grant: Grant) => boolean): Promise<number>;
}

export type GrantClaims = Readonly<Record<string, unknown>>;

export interface Grant {
  /** Not secret: for a claim of the access token (`sid`). Nothing can be refreshed with it. */
  readonly id: string;
  readonly subject: string;
  readonly claims: GrantClaims;
  /** When it was begun, and when it ends whatever is refreshed: milliseconds since 1970. */
  readonly begun: number;
  readonly until: number;
}

export interface IssuedGrant {
  readonly grant: Grant;
  /** Secret, and not stored: only its hash is. */
  readonly refreshToken: string;
  /** When this token can no longer be used: milliseconds since 1970. */
  readonly expires: number;
}

export interface RefusedGrant {
  /** `reused`: an earlier token came again, and the grant was ended by that. */
  readonly refused: 'unknown' | 'expired' | 'ended' | 'reused';
  /** Left out if unknown. */
  readonly grant?: Grant | undefined;
}

/** How long grants last, in milliseconds. */
export interface GrantLimits {
  /** For how long a refresh token may be used. */
  readonly idle: number;
  /** After that everybody has to sign in again. */
  readonly absolute: number;
  /** For how long after its use a refresh token gives the same next one. */
  readonly grace: number;
}
