import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { asBuffer } from '../as-buffer.ts';
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

/** Bytes of a body that are copied rather than written apart. */
const SHORT = 8_192;

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
  const isShort = typeof body !== 'string' && body.byteLength <= SHORT;
  // as letters of one byte each, node writes it in one piece with its head, which costs the system less
  if (isShort) response.end(asBuffer(body).toString('latin1'), 'latin1');
  else response.end(body);
}
