import { type Body, SuspendError } from 'waybill/adapter';
import { type Hl7Header, hl7Header } from 'waybill/document';
import type { Framing } from './framing.ts';

const HEAD = 64 * 1024;

/** A message on its way out: its header, and its bytes in parts. */
export interface OutgoingMessage {
  /** Undefined for a body that is not HL7. */
  readonly header: Hl7Header | undefined;
  /** The parts, in order. Throws SuspendError before the first one that contains the marks of the framing. */
  parts(): Iterable<Buffer> | AsyncIterable<Buffer>;
}

/** Reads as much of the body as is needed for its header. */
export async function outgoingMessage(body: Body, framing: Framing): Promise<OutgoingMessage> {
  if (body.inline === undefined) return await streamed(body.stream(), framing);
  const whole = asBuffer(body.inline);
  return { header: headerOf(whole), parts: () => [markGuard(framing)(whole)] };
}

async function streamed(
  stream: AsyncIterable<Uint8Array>,
  framing: Framing,
): Promise<OutgoingMessage> {
  const source = stream[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  let size = 0;
  let next = await source.next();
  while (next.done !== true) {
    head.push(asBuffer(next.value));
    size += next.value.length;
    if (size >= HEAD) break;
    next = await source.next();
  }
  return {
    header: headerOf(Buffer.concat(head)),
    async *parts() {
      const guard = markGuard(framing);
      for (const part of head) yield guard(part);
      if (next.done === true) return;
      for (next = await source.next(); next.done !== true; next = await source.next()) {
        yield guard(asBuffer(next.value));
      }
    },
  };
}

function headerOf(head: Buffer): Hl7Header | undefined {
  const header = hl7Header(head);
  return header.kind === 'none' ? undefined : header;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Passes on parts, and throws at one that contains the bytes that mark the beginning or the end:
 * the peer would cut the message there, and take the rest for another.
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
        'The body contains the bytes that mark the beginning or end of a message on the wire. Remove them (0x0B, or 0x1C 0x0D) and resend.',
      );
    }
    last = part.at(-1) ?? last;
    return part;
  };
}
