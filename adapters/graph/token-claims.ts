import { jsonOf } from './graph-json.ts';

/** What a token says of itself, as far as a support desk looks at it. Nothing of it is verified. */
export interface TokenClaims {
  readonly audience: string;
  readonly application: string;
  readonly tenant: string;
  /** Application permissions. */
  readonly roles: readonly string[];
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** Undefined for a token that is no JWT: such a one is Graph's own business. */
export function tokenClaims(token: string): TokenClaims | undefined {
  const [, payload, signature] = token.split('.');
  if (payload === undefined || signature === undefined) return undefined;
  const json = jsonOf(Buffer.from(payload, 'base64url').toString());
  const text = (name: string): string => (typeof json[name] === 'string' ? json[name] : '');
  const { roles, exp } = json as { roles?: unknown; exp?: unknown };
  return {
    audience: text('aud'),
    application: text('appid') || text('azp'),
    tenant: text('tid'),
    roles: Array.isArray(roles) ? roles.map(String) : [],
    expires: typeof exp === 'number' ? exp * 1_000 : 0,
  };
}

export function describeClaims({
  audience,
  application,
  tenant,
  roles,
  expires,
}: TokenClaims): string {
  const until = new Date(expires).toISOString().replace(/\.\d+Z$/, 'Z');
  const granted = roles.length === 0 ? 'no application permissions' : roles.join(', ');
  return `token of application ${application} in tenant ${tenant} for ${audience}: ${granted}; good until ${until}`;
}
