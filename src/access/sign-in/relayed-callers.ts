import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { API_PREFIX } from '../../web/api-prefix.ts';
import type { Identity } from '../rights/principal-for.ts';
import type { Authenticator } from './sign-in.ts';

/** The header with the key of a request that another console hands on. */
export const CALLER_HEADER = 'x-waybill-caller';

/**
 * People whom the console of another production has signed in, while it hands on a request of
 * theirs. Such a request has a key that is made here for it alone, so nobody else can have one.
 */
export interface RelayedCallers {
  admit(identity: Identity): { readonly key: string; readonly leave: () => void };
  of(request: FastifyRequest): Identity | undefined;
}

export function relayedCallers(): RelayedCallers {
  const known = new Map<string, Identity>();
  return {
    admit(identity) {
      const key = randomBytes(32).toString('base64url');
      known.set(key, identity);
      return { key, leave: () => void known.delete(key) };
    },
    of({ headers }) {
      const key = headers[CALLER_HEADER];
      return typeof key === 'string' ? known.get(key) : undefined;
    },
  };
}

export const relayedAuthenticator = (callers: RelayedCallers): Authenticator => ({
  method: 'relayed',
  identify: (request) => callers.of(request),
});

/** What belongs to the console that signed them in, and not to the production: it answers for itself. */
const OF_THE_CONSOLE = new Set([
  'sign-in',
  'sign-out',
  'auth',
  'users',
  'roles',
  'tokens',
  'productions',
  'across',
]);
const OWN = new Set(['/me', '/me/preferences', '/me/emergency'].map((one) => API_PREFIX + one));

/** Whether a route answers people of other consoles. */
export function mayBeRelayed({ routeOptions: { url = '', config } }: FastifyRequest): boolean {
  if (config.open === true || !url.startsWith(`${API_PREFIX}/`)) return false;
  const [first = ''] = url.slice(API_PREFIX.length + 1).split('/');
  return first === 'me' ? OWN.has(url) : !OF_THE_CONSOLE.has(first);
}

/** The production whose console signed somebody in: `local@integration`. Undefined if it was this one. */
export const consoleOf = (via: string): string | undefined => /@([^@]+)$/.exec(via)?.[1];
