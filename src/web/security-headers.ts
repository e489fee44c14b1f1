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

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
} as const;

/** Sets the headers of every answer: not cached, not framed, nothing loaded from elsewhere. */
export function securityHeaders(app: Api): void {
  app.addHook('onSend', async (request, reply, payload) => {
    // a page that posts a form elsewhere has a stricter policy of its own
    const own = reply.getHeader('content-security-policy');
    void reply.headers(HEADERS);
    if (own !== undefined) void reply.header('content-security-policy', own);
    if (request.protocol === 'https') {
      void reply.header('strict-transport-security', 'max-age=31536000');
    }
    // files of the built console have content hashes in their names and set their own caching
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
    return payload;
  });
}
