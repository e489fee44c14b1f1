import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { isEngineError } from '../../error/engine-error.ts';
import { isSameSecret } from '../../peer/same-secret.ts';
import { API_PREFIX } from '../../web/api-prefix.ts';
import { isAmong } from '../../web/networks.ts';
import type { Identity } from '../rights/principal-for.ts';
import { type ApiTokens, TOKEN_PREFIX } from './api-tokens.ts';
import type { HeaderSettings, IssuerSettings } from './console-schema.ts';
import { cookieName, cookieOf } from './cookie.ts';
import type { DerivedCsrf } from './cross-origin.ts';
import { issuerTokens } from './issuer-tokens.ts';
import { localIdentity } from './local-sign-in.ts';
import { mappedIdentity } from './mapped-identity.ts';
import type { Authenticator, SignIn } from './sign-in.ts';
import { SignInRefusal } from './sign-in-refusal.ts';
import type { Users } from './users.ts';

/** The cookie that a sign-in set. */
export function sessionAuthenticator(
  { sessions, users, factors }: Pick<SignIn, 'sessions' | 'users' | 'factors'>,
  cookie: string,
): Authenticator {
  const lately = seenLately();
  const find = async (id: string, unattended: boolean): Promise<Identity | undefined> => {
    const session = await sessions.find(id, unattended);
    if (session === undefined) return undefined;
    const { name, via, roles, scope, csrf: csrfToken } = session;
    const user = via === 'local' ? await users.current(name) : undefined;
    if (via === 'local' && user === undefined) return undefined;
    const identity = user === undefined ? { name, roles, scope, via } : localIdentity(user, via);
    return { ...identity, csrfToken, mustAddFactor: await factors.isMissing(identity) };
  };
  return {
    method: 'session',
    async identify(request) {
      const id = cookieOf(request, cookieName(request, cookie));
      if (id === undefined) return undefined;
      return lately.identify(id, isOfEngines(request), () => find(id, isUnattended(request)));
    },
  };
}

/** Routes that show what the engines report, and who is signed in. They work even while the database is unreachable. */
const OF_ENGINES = new Set(
  ['/me', '/status', '/hosts', '/hosts/:host', '/production', '/stream'].map(
    (route) => `${API_PREFIX}${route}`,
  ),
);

function isOfEngines({ method, routeOptions }: FastifyRequest): boolean {
  return method === 'GET' && OF_ENGINES.has(routeOptions.url ?? '');
}

/** Requests that a page makes automatically while nobody is there: they must not keep a session alive. */
function isUnattended({ headers, routeOptions, params }: FastifyRequest): boolean {
  const { url } = routeOptions;
  // the live events of another production
  const isStream = url?.endsWith('/*') === true && (params as Relayed)['*'] === 'stream';
  return 'x-unattended' in headers || url === `${API_PREFIX}/stream` || isStream;
}

interface Relayed {
  readonly '*'?: string;
}

/** `Authorization: Bearer wb_…`: tokens that were made here. */
export function ownTokenAuthenticator(tokens: ApiTokens, users: Users): Authenticator {
  return {
    method: 'token',
    async identify(request, at) {
      const token = bearerOf(request);
      if (token?.startsWith(TOKEN_PREFIX) !== true) return undefined;
      const { id, user: name, permissions: limit } = await tokens.check(token, at);
      const user = await users.current(name);
      if (user === undefined) {
        throw SignInRefusal.token(
          'the user of this token no longer exists',
          'make one for another user',
        );
      }
      return { ...localIdentity(user, 'token'), limit, token: id };
    },
  };
}

/** Signed tokens of other issuers, from the header or a cookie. */
export function issuerAuthenticator(
  issuers: readonly IssuerSettings[],
  csrf: DerivedCsrf,
): Authenticator {
  const check = issuerTokens(issuers);
  const cookies = new Set(
    issuers.flatMap(({ from = [] }) => from.map((one) => one.split(':')[1] ?? '')).filter(Boolean),
  );
  return {
    method: 'bearer',
    async identify(request, at) {
      const token = bearerOf(request);
      if (token !== undefined) return check(token, 'header', at);
      for (const name of cookies) {
        const value = cookieOf(request, name);
        if (value === undefined) continue;
        // a browser sends a cookie by itself, so acts need the CSRF token
        return { ...(await check(value, `cookie:${name}`, at)), csrfToken: csrf(value) };
      }
      return undefined;
    },
  };
}

/** Headers in which a proxy names the user it has signed in. */
export function headerAuthenticator(settings: HeaderSettings, csrf: DerivedCsrf): Authenticator {
  const trusted = isAmong(settings.from);
  const nameHeader = (settings.user ?? 'x-forwarded-user').toLowerCase();
  return {
    method: 'header',
    identify(request) {
      if (request.headers[nameHeader] === undefined) return undefined;
      const address = request.raw.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
      if (!trusted(address)) {
        throw untrusted(`${nameHeader} came from ${address}, which is not under header.from`);
      }
      const { secretHeader, secret = '' } = settings;
      const given = secretHeader && told(request, secretHeader);
      if (
        secretHeader !== undefined &&
        (typeof given !== 'string' || !isSameSecret(given, secret))
      ) {
        throw untrusted(`${secretHeader} is missing or not header.secret, from ${address}`);
      }
      const identity = mappedIdentity((name) => told(request, name), settings, {
        via: 'header',
        defaultUser: nameHeader,
      });
      return { ...identity, csrfToken: csrf(`header ${identity.name}`) };
    },
  };
}

/** One header that the proxy set; a second one is what a browser sent, which it only added to. */
function told({ headers, raw }: FastifyRequest, name: string): unknown {
  const key = name.toLowerCase();
  const names = raw.rawHeaders.filter((_, index) => index % 2 === 0);
  if (names.filter((one) => one.toLowerCase() === key).length > 1) {
    throw new SignInRefusal(
      { status: 401, text: 'a header that says who you are came twice' },
      `${name} came twice: one may be what the browser sent`,
      'have the proxy set the header in place of what comes (proxy_set_header, RequestHeader set), not add to it; several groups go into one header, separated by commas',
    );
  }
  return headers[key];
}

function bearerOf({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

function untrusted(why: string): SignInRefusal {
  return new SignInRefusal(
    { status: 401, text: 'a header sent from there is not trusted to say who you are' },
    why,
    'list the proxy under header.from, or have it set the secret; nobody else may send this header',
  );
}

/** Remembers who was signed in recently. */
export interface SeenLately {
  /**
   * The user that `find` finds. If the database does not answer: the user it recently found for the
   * same key, provided that the request only shows what comes from the engines.
   */
  identify(
    key: string,
    doesWithLately: boolean,
    find: () => Promise<Identity | undefined>,
  ): Promise<Identity | undefined>;
}

/** Milliseconds that somebody can still see the state of the production while the database is unreachable. */
const LATELY = 10 * 60_000;
const PEOPLE = 1_000;

function seenLately(now: () => number = Date.now): SeenLately {
  const seen = new LRUCache<string, Identity>({
    max: PEOPLE,
    ttl: LATELY,
    ttlResolution: 0,
    perf: { now },
  });
  return {
    async identify(key, doesWithLately, find) {
      try {
        const identity = await find();
        if (identity === undefined) seen.delete(key);
        else seen.set(key, identity);
        return identity;
      } catch (error) {
        const known = seen.get(key);
        const isAway = isEngineError(error) && error.code === 'STORE_UNAVAILABLE';
        if (!isAway || !doesWithLately || known === undefined) throw error;
        return known;
      }
    },
  };
}
