import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import { ApiError } from '../api/api-error.ts';
import { LOOPBACK_ADMINISTRATOR } from './principal.ts';

/**
 * The sign-in while there is no user: whoever sits at the machine is its administrator. A request that
 * came through a proxy, by another host name (DNS rebinding) or from another site's page is nobody's.
 */
export const loopbackSignIn: FastifyPluginCallback = (app, _options, done) => {
  app.addHook('onRequest', (request, _reply, next) => {
    if (ownRequest(request)) request.principal = LOOPBACK_ADMINISTRATOR;
    else if (request.method !== 'GET') {
      next(new ApiError(403, 'FORBIDDEN', 'only from this machine, and not from another site'));
      return;
    }
    next();
  });
  done();
};

// an encapsulated hook would not see the routes that are registered beside it
Object.assign(loopbackSignIn, { [Symbol.for('skip-override')]: true });

/** Whether a request comes from this machine itself, and from no page of another site. */
export function ownRequest({ raw, headers }: FastifyRequest): boolean {
  const proxied = ['x-forwarded-for', 'forwarded', 'via'].some((name) => name in headers);
  const site = headers['sec-fetch-site'];
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none';
  return (
    !proxied &&
    !foreign &&
    isLoopback(raw.socket.remoteAddress) &&
    isLocalName(headers.host) &&
    (headers.origin === undefined || isLocalName(hostOf(headers.origin)))
  );
}

/** Whether an address is of this machine only. */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(?:::ffff:)?127\.|^::1$|^localhost$/.test(address);
}

function isLocalName(host: string | undefined): boolean {
  const name = host?.replace(/:\d+$/, '') ?? '';
  return name === 'localhost' || name === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(name);
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
