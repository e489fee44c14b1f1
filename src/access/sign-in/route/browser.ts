import { createHash } from 'node:crypto';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../../../web/api-error.ts';
import { maybe } from '../../../web/schema.ts';
import { Type } from '../../../web/type.ts';
import { escaped } from '../page-text.ts';
import { sendRefusedPage } from '../refused-page.ts';
import type { SignIn } from '../sign-in.ts';
import { SignInRefusal } from '../sign-in-refusal.ts';

/** The address of the console as browsers see it. */
export function baseOf({ settings }: SignIn, { protocol, host }: FastifyRequest): string {
  return settings.publicUrl ?? `${protocol}://${host}/`;
}

/** A page of the console itself; anything else could send a signed-in person elsewhere. */
export function backTo(wanted: string | undefined, base: string): string {
  if (wanted === undefined || !URL.canParse(wanted, base)) return base;
  const url = new URL(wanted, base);
  return url.origin === new URL(base).origin ? url.href : base;
}

/** What the address says at which a browser begins to sign in with a provider. */
export const BEGINNING = {
  params: Type.Object({ name: Type.String() }),
  querystring: Type.Object({ back: maybe(Type.String({ maxLength: 2_000 })) }),
};

/** Answers a browser whose sign-in was refused with a page. */
export const refusedPage =
  (signIn: SignIn) =>
  (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void =>
    sendRefusedPage(error, request, reply, baseOf(signIn, request));

export function providerNamed<Provider>(
  providers: ReadonlyMap<string, Provider>,
  name: string,
): Provider {
  const provider = providers.get(name);
  if (provider === undefined) throw new ApiError(404, 'NOT_FOUND', `there is no provider ${name}`);
  return provider;
}

export function strayAnswer(): SignInRefusal {
  return new SignInRefusal(
    { status: 401, text: 'this sign-in did not start here, or took too long: start again' },
    'the provider’s answer does not belong to a sign-in of this browser',
    'start at the console’s own address, to which the cookie belongs; behind a proxy set publicUrl',
  );
}

const SCRIPT = 'document.forms[0].submit()';
const SCRIPT_HASH = createHash('sha256').update(SCRIPT).digest('base64');

/** A page that posts a form at once, and without scripts at the press of a button. */
export function sendForm(
  reply: FastifyReply,
  to: string,
  fields: Readonly<Record<string, string>>,
): FastifyReply {
  // a provider may lead the posted form on to another address
  const allowed =
    reply.request.host === new URL(to).host ? new URL(to).origin : `https: ${new URL(to).origin}`;
  const inputs = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`,
  );
  return reply
    .header(
      'content-security-policy',
      `default-src 'none'; script-src 'sha256-${SCRIPT_HASH}'; form-action ${allowed}; base-uri 'none'; frame-ancestors 'none'`,
    )
    .header('cache-control', 'no-store')
    .type('text/html; charset=utf-8')
    .serializer(String)
    .send(
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>Waybill</title><form method="post" action="${escaped(to)}">${inputs.join('')}<noscript><button>Continue</button></noscript></form><script>${SCRIPT}</script></html>`,
    );
}
