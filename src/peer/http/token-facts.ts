/** What a signed token says of itself, without a check of its signature: for people who look for the cause of a refusal. */
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

/** Whether a signed token has expired by its own word. */
export function hasExpired(token: string, now = Date.now()): boolean {
  const { exp } = claimsOf(token) ?? {};
  return typeof exp === 'number' && exp * 1_000 < now;
}

function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const [, payload, signature] = token.split('.');
  if (payload === undefined || signature === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null
      ? (claims as Record<string, unknown>)
      : undefined;
  } catch {
    // no JSON: an opaque token
    return undefined;
  }
}

function named(name: string, value: unknown): string {
  const text = [value]
    .flat()
    .filter((one) => typeof one === 'string')
    .join(' ');
  return text === '' ? '' : `${name} ${text.replaceAll(/\p{Cc}/gu, '?').slice(0, 200)}`;
}
