import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { type Foreseen, isTold, unless } from '../../error/foreseen.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { API_PREFIX } from '../../web/api-prefix.ts';
import { accessReportRoutes } from '../audit/access-report.ts';
import { auditRoutes } from '../audit/audit-routes.ts';
import type { Principal } from '../rights/principal.ts';
import type { Identity } from '../rights/principal-for.ts';
import { answerCors, checkCsrf } from './cross-origin.ts';
import { mayBeRelayed } from './relayed-callers.ts';
import { emergencyRoutes } from './route/emergency.ts';
import { firstAdministratorRoute } from './route/first-administrator.ts';
import { kerberosRoutes } from './route/kerberos.ts';
import { oidcRoutes } from './route/oidc.ts';
import { samlRoutes } from './route/saml.ts';
import { secondFactorRoutes } from './route/second-factor.ts';
import { signInRoutes } from './route/session.ts';
import { signInTraceRoutes } from './route/sign-in-trace.ts';
import { tokenRoutes } from './route/tokens.ts';
import { userRoutes } from './route/users.ts';
import type { Authenticator, SignIn } from './sign-in.ts';
import { SignInRefusal } from './sign-in-refusal.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without a sign-in; credentials in the request are ignored. */
    open?: boolean;
    /** Allowed while the password must be changed. */
    beforeChange?: boolean;
    /** Allowed while a second factor must be set up. */
    beforeFactor?: boolean;
  }
}

/** Refused, or the database of sessions does not answer. */
const isRefusal: Foreseen = (error) => error instanceof ApiError || isTold(error);

/** Authenticates every request, and adds the routes of sessions, tokens and users. */
export function signInPlugin(signIn: SignIn): FastifyPluginCallback {
  const plugin: FastifyPluginCallback = (app, _options, done) => {
    app.addHook('onRequest', async (request, reply) => {
      if (answerCors(signIn, request, reply)) return reply;
      if (signIn.relayed.of(request) !== undefined && !mayBeRelayed(request))
        throw new ApiError(404, 'NOT_FOUND', 'this is not answered through another console');
      const principal = await principalFor(signIn, request, reply);
      if (principal === undefined) return undefined;
      request.principal = principal;
      request.signInAgain = (at) =>
        principalFor(signIn, request, reply, at).catch(
          unless(isRefusal, 'asking who is signed in'),
        );
      checkCsrf(signIn, request, principal);
      if (principal.mustChangePassword === true && !mayBeforeChange(request)) {
        throw new ApiError(
          403,
          'PASSWORD_CHANGE_REQUIRED',
          'change the password first: POST /api/v1/me/password',
        );
      }
      if (principal.mustAddFactor === true && !mayBeforeFactor(request)) {
        throw new ApiError(
          403,
          'SECOND_FACTOR_REQUIRED',
          'set up a second factor first: POST /api/v1/me/second-factor/totp',
        );
      }
      return undefined;
    });
    void app.register(
      async (scope) => {
        const api = scope as unknown as Api;
        signInRoutes(api, signIn);
        firstAdministratorRoute(api, signIn);
        oidcRoutes(api, signIn);
        samlRoutes(api, signIn);
        kerberosRoutes(api, signIn);
        tokenRoutes(api, signIn);
        secondFactorRoutes(api, signIn);
        userRoutes(api, signIn);
        signInTraceRoutes(api, signIn);
        emergencyRoutes(api, signIn);
        auditRoutes(api, signIn.audit);
        accessReportRoutes(api, signIn.audit);
      },
      { prefix: API_PREFIX },
    );
    done();
  };
  // an encapsulated hook would not see the routes registered beside it
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true });
}

function mayBeforeChange({ routeOptions }: FastifyRequest): boolean {
  const { config, url } = routeOptions;
  return config.open === true || config.beforeChange === true || url === `${API_PREFIX}/me`;
}

function mayBeforeFactor(request: FastifyRequest): boolean {
  return request.routeOptions.config.beforeFactor === true || mayBeforeChange(request);
}

async function principalFor(
  signIn: SignIn,
  request: FastifyRequest,
  reply: FastifyReply,
  at?: number,
): Promise<Principal | undefined> {
  const isOpen = request.routeOptions.config.open === true || isFree(request);
  if (isOpen) return undefined;
  for (const authenticator of signIn.authenticators) {
    const identity = await identified(signIn, [authenticator, at], request, reply);
    if (identity !== undefined) return signIn.rights(identity);
  }
  return undefined;
}

/** Health, and the console's own files, which include the sign-in page. */
function isFree({ routeOptions: { url = '' } }: FastifyRequest): boolean {
  // the matched route, not the URL as written: `/%61pi/v1/status` leads to the same
  return !url.startsWith(`${API_PREFIX}/`) && url !== '/metrics';
}

async function identified(
  { trace }: SignIn,
  [authenticator, at]: readonly [Authenticator, number | undefined],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Identity | undefined> {
  try {
    return await authenticator.identify(request, at);
  } catch (error) {
    if (error instanceof SignInRefusal) {
      const { why, remedy, challenge } = error;
      trace.add({
        ip: request.ip,
        method: authenticator.method,
        user: undefined,
        outcome: 'refused',
        cause: why,
        remedy,
      });
      if (challenge !== undefined) void reply.header('www-authenticate', challenge);
    }
    throw error;
  }
}
