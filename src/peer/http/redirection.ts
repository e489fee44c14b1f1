import type { HttpClientValues } from './http-client-settings.ts';
import type { HttpAnswer, HttpQuestion } from './http-exchange.ts';

/** Of these a server says that the request is to be repeated as it was. */
const AS_IT_WAS = new Set([307, 308]);
/** Of these clients make a GET; so only one is followed that had no body to lose. */
const AS_GET = new Set([301, 302, 303]);

/** The request to make after a redirection; undefined where the answer is the last one. */
export function redirected(
  question: HttpQuestion,
  { status, headers, url }: Pick<HttpAnswer, 'status' | 'headers' | 'url'>,
  policy: HttpClientValues['redirects'],
): HttpQuestion | undefined {
  const place = headers['location'];
  if (policy === 'never' || place === undefined) return undefined;
  const keepsBody = AS_IT_WAS.has(status) || (AS_GET.has(status) && isSafe(question));
  if (!keepsBody || !URL.canParse(place, url)) return undefined;
  const next = new URL(place, url);
  return isAllowed(url, next, policy) ? { ...question, url: next } : undefined;
}

function isAllowed(from: URL, to: URL, policy: HttpClientValues['redirects']): boolean {
  if (to.origin === from.origin) return true;
  // From https to http is never a way to go, whoever asks for it.
  return policy === 'any' && (to.protocol === 'https:' || to.protocol === from.protocol);
}

const isSafe = ({ method }: HttpQuestion): boolean => method === 'GET' || method === 'HEAD';
