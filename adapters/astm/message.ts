import { asBuffer } from 'waybill/peer/basics';
import { restrictedByte } from './frame.ts';

/** Why a body cannot be sent as a message; `not-astm`: it does not begin with H at all. Follows a colon. */
export function messageProblem(body: Uint8Array): string | undefined {
  const text = asBuffer(body).toString('latin1').trim();
  if (!/^H[^A-Za-z0-9\s]/.test(text)) return 'not-astm';
  const last = text.split(/[\r\n]+/).at(-1) ?? '';
  if (!last.startsWith('L')) return 'it does not end with a terminator record (L)';
  const byte = restrictedByte(body);
  return byte === undefined
    ? undefined
    : `it has the byte 0x${byte.toString(16).padStart(2, '0')}, which the link protocol uses`;
}
