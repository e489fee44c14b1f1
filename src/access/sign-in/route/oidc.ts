import { isSignedOut } from '../../../peer/oidc/logout-token.ts';
import type { Api } from '../../../web/api.ts';
import { API_PREFIX } from '../../../web/api-prefix.ts';
import { Type } from '../../../web/type.ts';
import { cookieName, cookieOf, setCookie } from '../cookie.ts';
import type { SignIn } from '../sign-in.ts';
import { attempted, startProvidedSession } from '../signed-in.ts';
import { BEGINNING, backTo, baseOf, providerNamed, refusedPage, strayAnswer } from './browser.ts';

const LOGOUT_LIMIT = 16 * 1024;

/**
 * Signing in with an OpenID Connect provider: redirect and callback. Untagged, since only browsers
 * use it, not programs.
 */
// oxlint-disable-next-line max-lines-per-function -- one table of routes
export function oidcRoutes(api: Api, signIn: SignIn): void {
  void api.register(async (scope) => backChannelRoute(scope as unknown as Api, signIn));
  const errorHandler = refusedPage(signIn);
  api.get(
    '/sign-in/oidc/:name',
    {
      config: { open: true },
      errorHandler,
      schema: BEGINNING,
    },
    async (request, reply) => {
      const { name } = request.params;
      const provider = providerNamed(signIn.providers, name);
      const base = baseOf(signIn, request);
      const redirect = new URL(`.${API_PREFIX}/sign-in/oidc/${name}/callback`, base).href;
      const what = { method: `oidc ${name}`, user: undefined };
      const { url, attempt } = await attempted(signIn, request, what, () =>
        provider.start(redirect),
      );
      const back = backTo(request.query.back, base);
      setCookie(
        request,
        reply,
        signIn.cookies.attempt,
        signIn.attempts.seal({ provider: name, attempt, back }),
      );
      return reply.redirect(url.href);
    },
  );

  api.get(
    '/sign-in/oidc/:name/callback',
    {
      config: { open: true },
      errorHandler,
      schema: {
        params: Type.Object({ name: Type.String() }),
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const id = cookieOf(request, cookieName(request, signIn.cookies.attempt)) ?? '';
      const one = signIn.attempts.open(id);
      setCookie(request, reply, signIn.cookies.attempt, '');
      const method = `oidc ${name}`;
      const { identity, idToken } = await attempted(
        signIn,
        request,
        { method, user: undefined },
        async () => {
          const provider = signIn.providers.get(name);
          const attempt = one?.provider === name ? one.attempt : undefined;
          if (attempt === undefined || !('state' in attempt) || provider === undefined)
            throw strayAnswer();
          const answer = new URL(attempt.redirect);
          answer.search = new URL(request.url, answer).search;
          return provider.finish(answer, attempt);
        },
      );
      await startProvidedSession(signIn, [request, reply], identity, {
        method,
        provider: name,
        idToken,
      });
      return reply.redirect(one?.back ?? '/');
    },
  );
}

/** The provider itself reports that somebody has signed out there (OpenID Connect Back-Channel Logout). */
function backChannelRoute(api: Api, signIn: SignIn): void {
  api.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: LOGOUT_LIMIT },
    (_request, text, done) => done(null, Object.fromEntries(new URLSearchParams(String(text)))),
  );
  api.post(
    '/sign-in/oidc/:name/logout',
    {
      config: { open: true },
      schema: {
        params: Type.Object({ name: Type.String() }),
        body: Type.Object({ logout_token: Type.String() }),
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const provider = providerNamed(signIn.providers, name);
      const method = `oidc ${name}`;
      const out = await attempted(signIn, request, { method, user: undefined }, () =>
        provider.signedOut(request.body.logout_token),
      );
      const names = await signIn.sessions.endOf(name, (idToken) => isSignedOut(idToken, out));
      for (const one of new Set(names)) {
        const actor = { name: one, via: method };
        const entry = { actor, ip: request.ip, object: `user ${one}`, outcome: 'done' } as const;
        await signIn.audit.record({ ...entry, action: 'sign-out' });
      }
      return reply.header('cache-control', 'no-store').send('');
    },
  );
}
