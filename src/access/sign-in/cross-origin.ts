import { createHmac } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isSameSecret } from '../../peer/same-secret.ts';
import type { Principal } from '../rights/principal.ts';
import type { SignIn } from './sign-in.ts';
import { SignInRefusal } from './sign-in-refusal.ts';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
/** The CSRF token of a sign-in without a session here: a proxy's header, another issuer's cookie. */
export type DerivedCsrf = (of: string) => string;

export function derivedCsrf(key: Uint8Array): DerivedCsrf {
  return (of) => createHmac('sha256', key).update(of).digest('base64url');
}

/**
 * Refuses acts that another site's page may have sent: if the browser adds the credentials by
 * itself, the request must contain the token of `/me` and come from this origin or a listed one.
 */
export function checkCsrf(signIn: SignIn, request: FastifyRequest, principal: Principal): void {
  const { csrfToken, name } = principal;
  if (SAFE.has(request.method) || csrfToken === undefined) return;
  try {
    checkOrigin(signIn, request);
    const given = request.headers['x-csrf-token'];
    if (typeof given !== 'string' || !isSameSecret(given, csrfToken)) {
      throw new SignInRefusal(
        { status: 403, text: 'the header x-csrf-token is missing or is not the token from /me' },
        `${request.method} without the CSRF token of the session`,
        'send csrfToken of GET /api/v1/me as x-csrf-token',
      );
    }
  } catch (error) {
    if (error instanceof SignInRefusal) {
      const { why, remedy } = error;
      const event = { ip: request.ip, method: 'csrf', user: name, cause: why, remedy };
      signIn.trace.add({ ...event, outcome: 'refused' });
    }
    throw error;
  }
}

/** Refuses a request from a page of another origin. Programs send no Origin. */
export function checkOrigin({ settings }: SignIn, request: FastifyRequest): void {
  const { origin } = request.headers;
  const own = `${request.protocol}://${request.host}`;
  const listed = settings.cors?.origins ?? [];
  const site = request.headers['sec-fetch-site'];
  const isOwn =
    origin === undefined
      ? site === undefined || site === 'same-origin' || site === 'none'
      : origin === own || origin === settings.publicOrigin || listed.includes(origin);
  if (isOwn) return;
  const said = origin ?? `a ${String(site)} page`;
  throw new SignInRefusal(
    { status: 403, text: `not from ${said}` },
    `the request comes from ${said}; this console is ${own}`,
    'behind a proxy set publicUrl in console.yaml and --trusted-proxy; list other applications under cors.origins',
  );
}

const METHODS = 'GET, POST, PUT, PATCH, DELETE';

/**
 * Applies the cross-origin rules before the sender is authenticated: a preflight carries no
 * credentials. Only listed origins get an answer that a browser accepts. Returns whether the
 * request was answered.
 */
export function answerCors(
  { settings, trace }: SignIn,
  request: FastifyRequest,
  reply: FastifyReply,
): boolean {
  const { origin } = request.headers;
  const preflight =
    request.method === 'OPTIONS' && 'access-control-request-method' in request.headers;
  if (origin === undefined) return false;
  const { cors } = settings;
  void reply.header('vary', 'origin');
  if (cors?.origins.includes(origin) === true) {
    void reply
      .header('access-control-allow-origin', origin)
      .header('access-control-expose-headers', 'content-disposition, www-authenticate')
      .header('cross-origin-resource-policy', 'cross-origin');
    if (cors.credentials) void reply.header('access-control-allow-credentials', 'true');
    if (preflight) {
      void reply
        .header('access-control-allow-methods', METHODS)
        .header('access-control-allow-headers', cors.headers.join(', '))
        .header('access-control-max-age', String(Math.floor(cors.maxAge / 1_000)));
    }
  } else if (preflight) {
    trace.add({
      ip: request.ip,
      method: 'cors',
      user: undefined,
      outcome: 'refused',
      cause: `a page of ${origin.slice(0, 200)} may not use this API`,
      remedy: 'list exactly this text under cors.origins of console.yaml',
    });
  }
  if (preflight) void reply.code(204).send();
  return preflight;
}
