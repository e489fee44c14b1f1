import type { HttpReply } from '../http-server/http-reply.ts';
import type { Refusal } from '../http-server/refusal.ts';

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

/** A page for a person in a browser: no script, nothing from elsewhere, in no frame. `content` is HTML. */
export function htmlPage(
  title: string,
  content: string,
  { status = 200, headers = {} }: Partial<Pick<HttpReply, 'status' | 'headers'>> = {},
): HttpReply {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      ...headers,
    },
    body: `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${STYLE}</style><h1>${escaped(title)}</h1>${content}</html>`,
  };
}

/** What a person in a browser gets instead of a problem document. */
export const refusalPage = ({ status, message, headers }: Refusal, again?: string): HttpReply =>
  htmlPage(
    'Sign-in',
    `<p>${escaped(message)}</p>${again === undefined ? '' : `<p><a href="${escaped(again)}">Sign in again</a></p>`}`,
    { status, headers: { ...headers } as HttpReply['headers'] },
  );
