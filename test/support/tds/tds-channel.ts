import type { Duplex } from 'node:stream';

/** Kinds of messages (MS-TDS 2.2.3.1.1). */
export const KIND = {
  batch: 0x01,
  rpc: 0x03,
  answer: 0x04,
  attention: 0x06,
  transaction: 0x0e,
  login: 0x10,
  sspi: 0x11,
  prelogin: 0x12,
} as const;

const HEADER = 8;
const END_OF_MESSAGE = 1;
const IGNORE = 2;
const PACKET_SIZE = 4_096;

export interface TdsMessage {
  readonly kind: number;
  readonly payload: Buffer;
  /** The client cancelled it while sending. */
  readonly isIgnored: boolean;
}

/** Messages of TDS over a stream of bytes. */
export class TdsChannel {
  readonly #stream: Duplex;
  #heard = Buffer.alloc(0);
  #parts: Buffer[] = [];

  /** @param told is called with each message, in order */
  constructor(stream: Duplex, told: (message: TdsMessage) => void) {
    this.#stream = stream;
    stream.on('data', (bytes: Buffer) => {
      this.#heard = Buffer.concat([this.#heard, bytes]);
      for (;;) {
        const length = this.#heard.length < HEADER ? 0 : this.#heard.readUInt16BE(2);
        if (length < HEADER || this.#heard.length < length) return;
        const packet = this.#heard.subarray(0, length);
        this.#heard = this.#heard.subarray(length);
        const message = this.#join(packet);
        if (message !== undefined) told(message);
      }
    });
  }

  send(kind: number, payload: Uint8Array): void {
    const packets: Buffer[] = [];
    for (let at = 0; at === 0 || at < payload.length; at += PACKET_SIZE - HEADER) {
      const part = payload.subarray(at, at + PACKET_SIZE - HEADER);
      const isLast = at + part.length >= payload.length;
      packets.push(packetOf(kind, part, { isLast, number: packets.length + 1 }));
    }
    this.#stream.write(Buffer.concat(packets));
  }

  #join(packet: Buffer): TdsMessage | undefined {
    const [kind = 0, status = 0] = packet;
    this.#parts.push(packet.subarray(HEADER));
    if ((status & END_OF_MESSAGE) === 0) return undefined;
    const payload = Buffer.concat(this.#parts);
    this.#parts = [];
    return { kind, payload, isIgnored: (status & IGNORE) !== 0 };
  }
}

export function packetOf(
  kind: number,
  payload: Uint8Array,
  { isLast, number }: { readonly isLast: boolean; readonly number: number },
): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt8(kind, 0);
  header.writeUInt8(isLast ? END_OF_MESSAGE : 0, 1);
  header.writeUInt16BE(HEADER + payload.length, 2);
  header.writeUInt8(number % 256, 6);
  return Buffer.concat([header, payload]);
}
