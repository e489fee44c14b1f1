import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { escaped } from '../page-text.ts';
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
