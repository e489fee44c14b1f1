import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Api } from '../../../web/api.ts';
import { ApiError } from '../../../web/api-error.ts';
import { maybe } from '../../../web/schema.ts';
import { Type } from '../../../web/type.ts';
import { permissionsOf } from '../../rights/roles.ts';
import { sendRefusedPage } from '../refused-page.ts';
import type { SignIn } from '../sign-in.ts';
import { attempted, startSession } from '../signed-in.ts';
import { backTo, baseOf } from './browser.ts';

/**
 * Signing in with a ticket of Kerberos (RFC 4559). The browser is asked for one here and nowhere else, so that a page
 * never opens a window for a password. Untagged, since it is for browsers; `curl --negotiate` works too.
 */
export function kerberosRoutes(api: Api, signIn: SignIn): void {
  const errorHandler = (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void =>
    sendRefusedPage(error, request, reply, baseOf(signIn, request));
  api.get(
    '/sign-in/kerberos/:name',
    {
      config: { open: true },
      errorHandler,
      schema: {
        params: Type.Object({ name: Type.String() }),
        querystring: Type.Object({ back: maybe(Type.String({ maxLength: 2_000 })) }),
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const provider = signIn.kerberos.get(name);
      if (provider === undefined)
        throw new ApiError(404, 'NOT_FOUND', `there is no provider ${name}`);
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
      const allowed = permissionsOf(identity.roles, signIn.roles);
      await signIn.enforcement.signedIn(allowed.has('user.manage'));
      await startSession(signIn, [request, reply], identity, { method, provider: name });
      if (answer !== undefined) void reply.header('www-authenticate', `Negotiate ${answer}`);
      return reply.redirect(backTo(request.query.back, baseOf(signIn, request)));
    },
  );
}
