import { tokenClaims } from '../../peer/token-claims.ts';
import { concealed } from '../concealed.ts';

/** An access token with its times, in milliseconds by our own clock. */
export interface Token {
  /** Not shown when the token is printed or serialized. */
  readonly value: string;
  readonly expiresAt: number;
  /** When to request the next one, well before it expires. */
  readonly renewAt: number;
  /** What it was granted for, if the server or the token itself says so. */
  readonly scope: string | undefined;
  /** What was requested and not granted. */
  readonly notGranted: readonly string[];
}

/** Gets one token, once. `tokenProvider` keeps it, renews it and handles waiting. */
export interface TokenSource {
  /** Rejects with a CredentialError that names the check that failed. */
  fetch(signal: AbortSignal): Promise<Token>;
}

/** The lifetime if the server does not say it: short enough to be true for all. */
const DEFAULT_LIFETIME = 300_000;
const LONGEST_MARGIN = 300_000;

/**
 * Reads the answer of a token endpoint; undefined if it contains no usable token. Lenient with
 * servers: a lifetime may be text, `token_type` may be missing. The times count from when the
 * answer arrived, by our clock: the server's clock does not matter.
 */
export function tokenFrom(
  body: Readonly<Record<string, unknown>> | undefined,
  { now, asked = '' }: { readonly now: number; readonly asked?: string | undefined },
): Token | undefined {
  const { access_token: value, token_type: type, scope } = body ?? {};
  const isBearer = type === undefined || (typeof type === 'string' && /^bearer$/i.test(type));
  if (typeof value !== 'string' || value === '' || !isBearer) return undefined;
  const lifetime = seconds(body?.['expires_in']) ?? DEFAULT_LIFETIME;
  const renewal =
    seconds(body?.['refresh_in']) ?? lifetime - Math.min(LONGEST_MARGIN, lifetime / 5);
  // Earlier by up to 5 %, so that the engines of a cluster do not all renew at the same moment.
  const renewAt = now + Math.min(renewal, lifetime) * (1 - Math.random() * 0.05);
  return concealed(
    {
      expiresAt: now + lifetime,
      renewAt,
      ...grantOf(value, { scope, asked }),
    },
    { value },
  );
}

/** An answer without a scope grants what was requested (RFC 6749 §5.1), unless the token says otherwise. */
function grantOf(
  token: string,
  { scope, asked }: { readonly scope: unknown; readonly asked: string },
): Pick<Token, 'scope' | 'notGranted'> {
  const granted = typeof scope === 'string' ? scope : tokenClaims(token)?.scope;
  if (granted === undefined) return { scope: undefined, notGranted: [] };
  const have = new Set(granted.split(' '));
  return {
    scope: granted,
    notGranted: asked.split(' ').filter((one) => one !== '' && !have.has(one)),
  };
}

function seconds(given: unknown): number | undefined {
  const value = typeof given === 'string' && given !== '' ? Number(given) : given;
  return typeof value === 'number' && value > 0 && Number.isFinite(value)
    ? value * 1_000
    : undefined;
}
