import type { TlsOptions } from 'node:tls';
import { type Cut, type FramedPeer, framedPeer, type Script } from './framed-peer.ts';
import { inMllp } from './mllp-sender.ts';

export type MllpPeer = FramedPeer;

const fieldOf = (body: string, field: number): string =>
  body.split('\r')[0]?.split(body[3] ?? '|')[field - 1] ?? '';

/** An acknowledgement of the message with this code. */
export function ackOf(body: string, code = 'AA', controlId = fieldOf(body, 10), more = ''): Buffer {
  return inMllp(
    `MSH|^~\\&|R|F|APP|FAC|20260101120000||ACK^A01^ACK|A${controlId}|P|2.5.1\rMSA|${code}|${controlId}${more}\r`,
  );
}

const acknowledging: Script = (body) => ackOf(body);

const cut: Cut = (bytes) => {
  const end = bytes.indexOf('\u001c\r');
  if (end < 0) return undefined;
  return { body: bytes.subarray(bytes.indexOf(0x0b) + 1, end), rest: bytes.subarray(end + 2) };
};

/** An HL7 receiver. */
export const mllpPeer = (tls?: TlsOptions): Promise<MllpPeer> =>
  framedPeer(cut, acknowledging, tls);
