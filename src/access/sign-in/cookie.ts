import type { FastifyReply, FastifyRequest } from 'fastify';

/** Names of an installation's own cookies, before `__Host-`. */
export interface CookieNames {
  readonly session: string;
  /** A sign-in in progress at a provider. */
  readonly attempt: string;
  /** A sign-in that waits for the second factor. */
  readonly step: string;
}

/** Browsers distinguish hosts, but not ports or paths: two consoles on one host must not use each other's cookies. */
export function cookieNames(instance: Uint8Array): CookieNames {
  const suffix = Buffer.from(instance).toString('hex').slice(0, 8);
  return { session: `sid-${suffix}`, attempt: `oidc-${suffix}`, step: `step-${suffix}` };
}

/** The value of a cookie of a request. */
export function cookieOf({ headers }: FastifyRequest, name: string): string | undefined {
  for (const pair of headers.cookie?.split(';') ?? []) {
    const at = pair.indexOf('=');
    if (pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/**
 * A cookie's name over this request's protocol: `__Host-` keeps other hosts of the same domain from
 * setting it, but browsers accept it only over HTTPS.
 */
export function cookieName({ protocol }: FastifyRequest, name: string): string {
  return protocol === 'https' ? `__Host-${name}` : name;
}

/** Sets a cookie that no script can read and other sites' forms do not send. An empty value removes it. */
export function setCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  name: string,
  value: string,
): void {
  const secure = request.protocol === 'https' ? '; Secure' : '';
  const gone = value === '' ? '; Max-Age=0' : '';
  const text = `${cookieName(request, name)}=${value}; Path=/; HttpOnly; SameSite=Lax${secure}${gone}`;
  const before = reply.getHeader('set-cookie');
  const all = before === undefined ? [text] : [...[before].flat().map(String), text];
  // fastify appends a repeated header only for set-cookie, which is what is wanted here
  void reply.removeHeader('set-cookie').header('set-cookie', all);
}
