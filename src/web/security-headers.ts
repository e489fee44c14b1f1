import type { Api } from './api.ts';

/** Everything comes from this server; scripts may set styles, which the virtual lists and charts need. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Of workers, which ask the API themselves. */
const SCRIPT_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'";
/** For everything that is not a page, in case somebody opens it as one. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** Headers that matter only for pages: on every answer they would be a tenth of what the first visit costs. */
const PAGE_HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
} as const;

function policyOf(type: string): string {
  if (type.startsWith('text/html')) return POLICY;
  return type.includes('javascript') ? SCRIPT_POLICY : DATA_POLICY;
}

/** Sets the headers of every answer: not cached, not framed, nothing loaded from elsewhere. */
export function securityHeaders(app: Api): void {
  app.addHook('onSend', async (request, reply, payload) => {
    // a page that posts a form elsewhere has a stricter policy of its own
    const type = String(reply.getHeader('content-type') ?? '');
    void reply.headers(HEADERS);
    // 304 names no type, and what it says replaces what the browser has kept with the file
    if (reply.statusCode !== 304) {
      const own = reply.getHeader('content-security-policy') ?? policyOf(type);
      void reply.header('content-security-policy', own);
    }
    if (type.startsWith('text/html')) void reply.headers(PAGE_HEADERS);
    if (request.protocol === 'https') {
      void reply.header('strict-transport-security', 'max-age=31536000');
    }
    // files of the built console have content hashes in their names and set their own caching
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
    return payload;
  });
}
