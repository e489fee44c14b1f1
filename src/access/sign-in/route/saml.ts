import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Api } from '../../../web/api.ts';
import { API_PREFIX } from '../../../web/api-prefix.ts';
import { maybe } from '../../../web/schema.ts';
import { Type } from '../../../web/type.ts';
import { cookieName, cookieOf, setCookie } from '../cookie.ts';
import { ownMetadata } from '../saml/own-metadata.ts';
import { LONGEST_RESPONSE, type OwnAddresses, type SamlProvider } from '../saml/saml-provider.ts';
import type { SignIn } from '../sign-in.ts';
import { attempted, startProvidedSession } from '../signed-in.ts';
import {
  BEGINNING,
  backTo,
  baseOf,
  providerNamed,
  refusedPage,
  sendForm,
  strayAnswer,
} from './browser.ts';

const Name = Type.Object({ name: Type.String() });
const PATH = `${API_PREFIX}/sign-in/saml`;

/** Signing in with SAML 2.0. Untagged, since only browsers use it, not programs. */
export function samlRoutes(api: Api, signIn: SignIn): void {
  if (signIn.saml.size === 0) return;
  void api.register(async (scope) => {
    const own = scope as unknown as Api;
    own.setErrorHandler(refusedPage(signIn));
    own.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: LONGEST_RESPONSE },
      (_request, text, done) => done(null, Object.fromEntries(new URLSearchParams(String(text)))),
    );
    startRoute(own, signIn);
    consumerRoute(own, signIn);
    logoutRoutes(own, signIn);
  });
}

export function samlAddresses(signIn: SignIn, request: FastifyRequest, name: string): OwnAddresses {
  const of = (page: string): string =>
    new URL(`.${PATH}/${name}/${page}`, baseOf(signIn, request)).href;
  return { metadata: of('metadata'), consumer: of('consume'), logout: of('logout') };
}

const providerOf = ({ saml }: SignIn, name: string): SamlProvider => providerNamed(saml, name);

/** The way to the provider, and what it must know of us. */
function startRoute(api: Api, signIn: SignIn): void {
  api.get(
    '/sign-in/saml/:name',
    {
      config: { open: true },
      schema: BEGINNING,
    },
    async (request, reply) => {
      const { name } = request.params;
      const provider = providerOf(signIn, name);
      const what = { method: `saml ${name}`, user: undefined };
      const { to, attempt } = await attempted(signIn, request, what, () =>
        provider.start(samlAddresses(signIn, request, name)),
      );
      const back = backTo(request.query.back, baseOf(signIn, request));
      const sealed = signIn.attempts.seal({ provider: name, attempt, back });
      setCookie(request, reply, signIn.cookies.attempt, sealed);
      return 'url' in to ? reply.redirect(to.url.href) : sendForm(reply, to.post, to.fields);
    },
  );

  api.get(
    '/sign-in/saml/:name/metadata',
    { config: { open: true }, schema: { params: Name } },
    async (request, reply) => {
      const { name } = request.params;
      providerOf(signIn, name);
      const settings = signIn.settings.saml.find((one) => one.name === name);
      const text = settings && ownMetadata(settings, samlAddresses(signIn, request, name));
      return reply.type('application/samlmetadata+xml').serializer(String).send(text);
    },
  );
}

/** Takes the provider's response. */
function consumerRoute(api: Api, signIn: SignIn): void {
  api.post(
    '/sign-in/saml/:name/consume',
    {
      config: { open: true },
      bodyLimit: LONGEST_RESPONSE,
      schema: {
        params: Name,
        body: Type.Object({
          SAMLResponse: Type.String({ minLength: 1 }),
          RelayState: maybe(Type.String()),
          again: maybe(Type.String()),
        }),
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const { SAMLResponse, again } = request.body;
      const provider = providerOf(signIn, name);
      const own = samlAddresses(signIn, request, name);
      const id = cookieOf(request, cookieName(request, signIn.cookies.attempt));
      // a browser sends our cookie with a form of our own page, and not with the provider's
      if (id === undefined && again === undefined) {
        return sendForm(reply, own.consumer, { SAMLResponse, again: '1' });
      }
      const one = signIn.attempts.open(id ?? '');
      setCookie(request, reply, signIn.cookies.attempt, '');
      const method = `saml ${name}`;
      const what = { method, user: undefined };
      const { identity, session } = await attempted(signIn, request, what, async () => {
        const attempt = one?.provider === name ? one.attempt : undefined;
        const begun = attempt !== undefined && 'requestId' in attempt ? attempt : undefined;
        if (begun === undefined && !provider.fromProvider) throw strayAnswer();
        return provider.finish(own, SAMLResponse, begun);
      });
      await startProvidedSession(signIn, [request, reply], identity, {
        method,
        provider: name,
        idToken: session,
      });
      return reply.redirect(one?.back ?? baseOf(signIn, request), 303);
    },
  );
}

/** A sign-out that the provider asks for, and its answer to ours. */
function logoutRoutes(api: Api, signIn: SignIn): void {
  const ended = async (
    request: FastifyRequest,
    reply: FastifyReply,
    name: string,
    by: { readonly query: string } | { readonly form: string },
  ): Promise<FastifyReply> => {
    const method = `saml ${name}`;
    const own = samlAddresses(signIn, request, name);
    const what = { method, user: undefined };
    const out = await attempted(signIn, request, what, () =>
      providerOf(signIn, name).signedOut(own, by),
    );
    const names = await signIn.sessions.endOf(name, (session) => out.isMeant(session));
    for (const one of new Set(names)) {
      const actor = { name: one, via: method };
      const entry = { actor, ip: request.ip, object: `user ${one}`, outcome: 'done' } as const;
      await signIn.audit.record({ ...entry, action: 'sign-out' });
    }
    return reply.redirect(out.answer?.href ?? baseOf(signIn, request), 303);
  };

  api.get(
    '/sign-in/saml/:name/logout',
    {
      config: { open: true },
      schema: { params: Name, querystring: Type.Object({ SAMLRequest: maybe(Type.String()) }) },
    },
    async (request, reply) => {
      // the answer to a sign-out that began here, where the session has ended already
      if (request.query.SAMLRequest === undefined) return reply.redirect(baseOf(signIn, request));
      const query = request.url.slice(request.url.indexOf('?') + 1);
      return ended(request, reply, request.params.name, { query });
    },
  );

  api.post(
    '/sign-in/saml/:name/logout',
    {
      config: { open: true },
      bodyLimit: LONGEST_RESPONSE,
      schema: { params: Name, body: Type.Object({ SAMLRequest: maybe(Type.String()) }) },
    },
    async (request, reply) => {
      const { SAMLRequest: form } = request.body;
      if (form === undefined) return reply.redirect(baseOf(signIn, request), 303);
      return ended(request, reply, request.params.name, { form });
    },
  );
}
