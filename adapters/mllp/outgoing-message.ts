import { type Body, SuspendError } from 'waybill/adapter';
import { type Hl7Header, hl7Header } from 'waybill/document';
import type { Framing } from './framing.ts';

const HEAD = 64 * 1024;

/** A message on its way out: its header, and its bytes in parts. */
export interface OutgoingMessage {
  /** Undefined for a body that is not HL7. */
  readonly header: Hl7Header | undefined;
  /** Throws SuspendError before the first part that holds the marks of the framing. */
  parts(): AsyncGenerator<Buffer>;
}

/** Reads as much of the body as its header needs. */
export async function outgoingMessage(body: Body, framing: Framing): Promise<OutgoingMessage> {
  const source =
    body.inline === undefined ? body.stream()[Symbol.asyncIterator]() : whole(body.inline);
  const head: Buffer[] = [];
  let size = 0;
  let done = false;
  while (size < HEAD && !done) {
    const next = await source.next();
    done = next.done === true;
    if (next.done === true) break;
    head.push(asBuffer(next.value));
    size += next.value.length;
  }
  const header = hl7Header(head.length === 1 ? (head[0] ?? Buffer.alloc(0)) : Buffer.concat(head));
  return {
    header: header.kind === 'none' ? undefined : header,
    async *parts() {
      const guard = markGuard(framing);
      for (const part of head) yield guard(part);
      if (done) return;
      for (let next = await source.next(); next.done !== true; next = await source.next()) {
        yield guard(asBuffer(next.value));
      }
    },
  };
}

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Passes parts on and throws at one that holds the bytes which mark the beginning or the end: the peer
 * would cut the message there, and take the rest for another.
 */
function markGuard({ start, end: [first, second] }: Framing): (part: Buffer) => Buffer {
  let last: number | undefined;
  const holdsEnd = (part: Buffer): boolean =>
    second === undefined
      ? part.includes(first)
      : part.includes(Buffer.of(first, second)) || (last === first && part[0] === second);
  return (part) => {
    if ((start !== undefined && part.includes(start)) || holdsEnd(part)) {
      throw new SuspendError(
        'The body holds the bytes that mark the beginning or end of a message on the wire. Remove them (0x0B, or 0x1C 0x0D) and resend.',
      );
    }
    last = part.at(-1) ?? last;
    return part;
  };
}
