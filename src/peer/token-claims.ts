/** What a token says about itself, as far as a support desk needs it. Nothing is verified. */
export interface TokenClaims {
  /** The service it is for. */
  readonly audience: string;
  readonly application: string;
  readonly tenant: string;
  /** What it was granted for (`scope` or `scp`); undefined if it does not say. */
  readonly scope: string | undefined;
  /** Application permissions. */
  readonly roles: readonly string[];
  /** Milliseconds since 1970; 0 if it does not say. */
  readonly expires: number;
}

/** Undefined for a token that is not a JWT: only its server can read such a token. */
export function tokenClaims(token: string): TokenClaims | undefined {
  const json = claimsOf(token);
  if (json === undefined) return undefined;
  const text = (name: string): string => (typeof json[name] === 'string' ? json[name] : '');
  const { aud, roles, exp } = json as { aud?: unknown; roles?: unknown; exp?: unknown };
  const scopes = [json['scope'] ?? json['scp'] ?? []]
    .flat()
    .filter((one) => typeof one === 'string');
  return {
    audience: Array.isArray(aud) ? aud.join(', ') : text('aud'),
    application: text('appid') || text('azp') || text('client_id'),
    tenant: text('tid'),
    scope: scopes.length === 0 ? undefined : scopes.join(' '),
    roles: Array.isArray(roles) ? roles.map(String) : [],
    expires: typeof exp === 'number' ? exp * 1_000 : 0,
  };
}

function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const [, payload, signature] = token.split('.');
  if (payload === undefined || signature === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    // not JSON: an opaque token
    return undefined;
  }
}

/** In one line: for what service, of which application, with which permissions, until when. */
export function describeClaims(claims: TokenClaims): string {
  const { audience, application, tenant, roles, expires } = claims;
  const until = new Date(expires).toISOString().replace(/\.\d+Z$/, 'Z');
  return [
    `token of application ${application || 'unknown'}`,
    tenant === '' ? '' : ` in tenant ${tenant}`,
    ` for ${audience || 'no particular service'}`,
    `: ${roles.length === 0 ? 'no application permissions' : roles.join(', ')}`,
    expires === 0 ? '' : `; good until ${until}`,
  ].join('');
}

/**
 * What a token says about itself, for people who look for the cause of a refusal; an opaque one has
 * at least a length.
 */
export function tokenFacts(token: string, now = Date.now()): string {
  const claims = claimsOf(token);
  if (claims === undefined) return `an opaque token of ${token.length} characters`;
  const { exp, aud, scope, scp, roles, iss } = claims;
  const left = typeof exp === 'number' ? Math.round((exp * 1_000 - now) / 1_000) : undefined;
  const facts = [
    left === undefined
      ? 'without an expiry'
      : left < 0
        ? `expired ${-left} s ago`
        : `valid for ${left} s`,
    named('issuer', iss),
    named('audience', aud),
    named('scope', scope ?? scp),
    named('roles', roles),
  ];
  return `a token ${facts.filter((one) => one !== '').join(', ')}`;
}

/** Whether a signed token has expired according to its own claims. */
export function hasExpired(token: string, now = Date.now()): boolean {
  const { exp } = claimsOf(token) ?? {};
  return typeof exp === 'number' && exp * 1_000 < now;
}

function named(name: string, value: unknown): string {
  const text = [value]
    .flat()
    .filter((one) => typeof one === 'string')
    .join(' ');
  return text === '' ? '' : `${name} ${text.replaceAll(/\p{Cc}/gu, '?').slice(0, 200)}`;
}
