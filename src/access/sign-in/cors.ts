import type { FastifyReply, FastifyRequest } from 'fastify';
import type { SignIn } from './sign-in.ts';

const METHODS = 'GET, POST, PUT, PATCH, DELETE';

/**
 * Cross-origin rules, before anything is asked of the sender: a preflight carries no credentials. Only origins
 * that are listed exactly get an answer that a browser accepts. True if the request is answered.
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
      cause: `a page of ${origin.slice(0, 200)} may not ask this API`,
      remedy: 'list exactly this text under cors.origins of console.yaml',
    });
  }
  if (preflight) void reply.code(204).send();
  return preflight;
}
