import type { Api } from '../../../web/api.ts';
import { ApiError } from '../../../web/api-error.ts';
import type { SignIn } from '../sign-in.ts';
import { attempted, startProvidedSession } from '../signed-in.ts';
import { BEGINNING, backTo, baseOf, providerNamed, refusedPage } from './browser.ts';

/**
 * Signing in with a ticket of Kerberos (RFC 4559). The browser is asked for one here and nowhere else, so that a page
 * never opens a window for a password. Untagged, since it is for browsers; `curl --negotiate` works too.
 */
export function kerberosRoutes(api: Api, signIn: SignIn): void {
  api.get(
    '/sign-in/kerberos/:name',
    {
      config: { open: true },
      errorHandler: refusedPage(signIn),
      schema: BEGINNING,
    },
    async (request, reply) => {
      const { name } = request.params;
      const provider = providerNamed(signIn.kerberos, name);
      const { authorization = '' } = request.headers;
      const [, token] = /^negotiate +([A-Za-z0-9+/]+=*) *$/i.exec(authorization) ?? [];
      if (token === undefined) {
        void reply.header('www-authenticate', 'Negotiate');
        throw new ApiError(
          401,
          'SIGN_IN_REQUIRED',
          'your browser has sent no ticket: it must belong to the domain and know this address as one of its own',
        );
      }
      const method = `kerberos ${name}`;
      const { identity, answer } = await attempted(
        signIn,
        request,
        { method, user: undefined },
        () => provider.check(token),
      );
      await startProvidedSession(signIn, [request, reply], identity, { method, provider: name });
      if (answer !== undefined) void reply.header('www-authenticate', `Negotiate ${answer}`);
      return reply.redirect(backTo(request.query.back, baseOf(signIn, request)));
    },
  );
}
