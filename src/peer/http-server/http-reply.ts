import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Refusal } from './refusal.ts';

/** What a request is answered with. */
export interface HttpReply {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array | string;
}

/** A refusal as a problem document. */
export function refusalAnswer({ status, message: detail, headers, errors }: Refusal): HttpReply {
  return {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
    body: JSON.stringify({ status, detail, ...(errors !== undefined && { errors }) }),
  };
}

/** Writes an answer; `more` are headers for every answer. */
export function respond(
  response: ServerResponse,
  { status, headers, body }: HttpReply,
  more: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(body),
    ...more,
    ...headers,
  });
  response.end(body);
}
