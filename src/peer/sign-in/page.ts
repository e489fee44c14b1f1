import type { IncomingHttpHeaders } from 'node:http';
import { inGerman } from '../../translation/german.ts';
import type { HttpReply } from '../http-server/http-reply.ts';
import type { Refusal } from '../http-server/refusal.ts';
import { REFUSED } from './page-words.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '');

/** `html` has the scheme: else a dark browser draws dark fields on a white page. */
const STYLE =
  'html{color-scheme:light dark;--line:#76828c;--accent:#0b5c63;--bad:#a61b1b}@media(prefers-color-scheme:dark){html{--line:#6d7c88;--accent:#5cc7c3;--bad:#ff8a80}}body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem;overflow-wrap:anywhere}h1{font-size:1.4rem}label,button{display:block;margin:.75rem 0}[role=alert]{color:var(--bad)}input,button{font:inherit;border:1px solid var(--line);border-radius:.4rem}input:not([type=radio]){display:block;width:100%;box-sizing:border-box;padding:.4rem}button{width:100%;padding:.5rem 1rem;background:none;color:inherit;cursor:pointer}button[value=allow],form>button:only-of-type{background:var(--accent);border-color:var(--accent);color:Canvas}';

/** The languages of pages. */
export type PageLanguage = 'en' | 'de';

/** What a browser asks for; English where that is neither. */
export const pageLanguage = (headers: IncomingHttpHeaders): PageLanguage =>
  /^de\b/i.test(headers['accept-language'] ?? '') ? 'de' : 'en';

/** A text of the server in the language of a page. */
export const inLanguage = (text: string, language: PageLanguage): string =>
  language === 'de' ? inGerman(text) : text;

const policyOf = (ancestors: readonly string[]): string =>
  `default-src 'none'; style-src 'unsafe-inline'; frame-ancestors ${ancestors.join(' ')}; base-uri 'none'`;

interface PageOptions extends Partial<Pick<HttpReply, 'status' | 'headers'>> {
  readonly language?: PageLanguage;
}

/** A page for a person in a browser: no script, nothing from elsewhere, in no frame. `content` is HTML. */
export function htmlPage(
  title: string,
  content: string,
  { status = 200, headers = {}, language = 'en' }: PageOptions = {},
): HttpReply {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policyOf(["'none'"]),
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      ...headers,
    },
    body: `<!doctype html><html lang="${language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${STYLE}</style><h1>${escaped(title)}</h1>${content}</html>`,
  };
}

/** What a person in a browser gets instead of a problem document. */
export const refusalPage = (
  { status, message, headers }: Refusal,
  {
    language,
    again,
    framedBy = [],
  }: {
    readonly language: PageLanguage;
    readonly again?: string;
    /** The origins in whose frames a person may read it. */
    readonly framedBy?: readonly string[];
  },
): HttpReply =>
  htmlPage(
    REFUSED[language].title,
    `<p>${escaped(inLanguage(message, language))}</p>${again === undefined ? '' : `<p><a href="${escaped(again)}">${REFUSED[language].again}</a></p>`}`,
    {
      status,
      headers: {
        ...(framedBy.length > 0 && { 'content-security-policy': policyOf(framedBy) }),
        ...headers,
      },
      language,
    },
  );
