const DAY = 86_400_000;

/** What expires: our own certificate, that of an authority we trust, that of a peer, or a revocation list. */
export type ExpiringKind = 'own' | 'authority' | 'peer' | 'revocation-list';

/** Milliseconds before it expires. */
export interface Notice {
  readonly warn: number;
  /** From then on it is urgent. */
  readonly error: number;
}

const LONGEST: Readonly<Record<ExpiringKind, Notice>> = {
  own: { warn: 30 * DAY, error: 7 * DAY },
  authority: { warn: 30 * DAY, error: 7 * DAY },
  // somebody else has to renew it, and usually does
  peer: { warn: 14 * DAY, error: 3 * DAY },
  // published anew every few days or hours
  'revocation-list': { warn: DAY, error: 0 },
};

/**
 * How long before its expiry something is reported. Certificates that live for weeks are renewed
 * automatically, and late: a quarter of their life (a sixth for a peer's) is early enough.
 */
export function expiryNotice(
  kind: ExpiringKind,
  life: { readonly notBefore: Date; readonly notAfter: Date } | undefined,
): Notice {
  const { warn, error } = LONGEST[kind];
  if (life === undefined) return { warn, error };
  const lives = life.notAfter.getTime() - life.notBefore.getTime();
  const part = kind === 'peer' ? lives / 6 : lives / 4;
  return part < warn ? { warn: part, error: (part * error) / warn } : { warn, error };
}
