import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { spokenProtocol } from '../spoken-protocol.ts';

/** Why node could not read a request; `rawPacket` is what it was reading. */
export interface UnreadError extends Error {
  readonly code?: string;
  readonly rawPacket?: Uint8Array;
}

const LATE = 'ERR_HTTP_REQUEST_TIMEOUT';
/** What cannot be read; the other one is of a sender that closed in the middle of a request. */
const UNREADABLE = /^HPE_(?!INVALID_EOF_STATE$)/;
const STATUS: Readonly<Record<string, number>> = {
  [LATE]: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
};

/** What the sender of something that is no request is answered; undefined if it is the connection that failed. */
export function unreadAnswer({ code = '' }: UnreadError): string | undefined {
  if (code !== LATE && !code.startsWith('HPE_')) return undefined;
  const status = STATUS[code] ?? 400;
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`;
}

/** MLLP's start of a block. */
const BLOCK = 0x0b;

/** What operators are told of it; undefined if it is nothing: a connection was lost, or was never used. */
export function unreadTold(error: UnreadError, socket: Duplex): string | undefined {
  const { code = '', rawPacket } = error;
  if (code === LATE) {
    const { bytesRead } = socket as Socket;
    return bytesRead === 0 ? undefined : 'it did not finish a request in time (requestTimeout)';
  }
  if (code === 'HPE_HEADER_OVERFLOW') return 'the headers of its request are too long';
  if (!UNREADABLE.test(code)) return undefined;
  if (rawPacket?.[0] === BLOCK) return 'it sends MLLP, not HTTP: it needs an mllp-in';
  const spoken = rawPacket && spokenProtocol(rawPacket);
  if (spoken?.name === 'TLS' && !(socket instanceof TLSSocket))
    return `it speaks TLS, not HTTP. ${spoken.remedy}`;
  return `what it sends is no HTTP (${code})`;
}
