import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { inGerman } from '../../translation/german.ts';
import { ApiError } from '../../web/api-error.ts';
import { sendProblem } from '../../web/problem.ts';
import { escaped } from './page-text.ts';
import { SignInRefusal } from './sign-in-refusal.ts';

const WORDS = {
  en: {
    title: 'You are not signed in',
    why: 'An administrator can find the cause under Sign-ins, or in the log of Waybill.',
    back: 'Back to the sign-in',
  },
  de: {
    title: 'Sie sind nicht angemeldet',
    why: 'Die Ursache findet ein Administrator unter „Anmeldungen“ oder im Protokoll von Waybill.',
    back: 'Zurück zur Anmeldung',
  },
} as const;

/** The page for a person whose sign-in at a provider was refused here. Programs get the usual problem document. */
export function sendRefusedPage(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
  base: string,
): void {
  const wantsPage = request.headers.accept?.includes('text/html') === true;
  if (!wantsPage || !(error instanceof ApiError)) {
    sendProblem(error, request, reply);
    return;
  }
  const isGerman = /^de\b/i.test(request.headers['accept-language'] ?? '');
  const words = isGerman ? WORDS.de : WORDS.en;
  const message = isGerman ? inGerman(error.message) : error.message;
  const advice = error instanceof SignInRefusal ? `<p>${words.why}</p>` : '';
  void reply
    .code(error.status)
    .header('cache-control', 'no-store')
    .type('text/html; charset=utf-8')
    .serializer(String)
    .send(
      `<!doctype html><html lang="${isGerman ? 'de' : 'en'}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
        `<title>${words.title} · Waybill</title><h1>${words.title}</h1><p>${escaped(message)}</p>${advice}` +
        `<p><a href="${escaped(base)}">${words.back}</a></p></html>`,
    );
}
