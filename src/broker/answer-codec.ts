import type { Receipt, Reply } from '../message/message.ts';

/** What became of a message somebody waits for: the peer's reply, or how it ended without one. */
export type Answer = Pick<Receipt, 'reply' | 'outcome'>;

interface Head {
  readonly type?: string | undefined;
  readonly code?: string | undefined;
  readonly text?: string | undefined;
  readonly status?: string | undefined;
  readonly outcomeText?: string | undefined;
}

/** An answer as bytes: the length of its head (u32, big-endian), the head as JSON, the reply's body. */
export function encodeAnswer({ reply, outcome }: Answer): Uint8Array {
  const head: Head = {
    type: reply?.type,
    code: reply?.code,
    text: reply?.text,
    status: outcome?.status,
    outcomeText: outcome?.text,
  };
  const json = Buffer.from(JSON.stringify(head));
  const size = Buffer.alloc(4);
  size.writeUInt32BE(json.byteLength);
  return Buffer.concat([size, json, reply?.body ?? new Uint8Array(0)]);
}

export function decodeAnswer(data: Uint8Array): Answer {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const size = bytes.readUInt32BE(0);
  const head = JSON.parse(bytes.toString('utf8', 4, 4 + size)) as Head;
  const reply: Reply | undefined =
    head.type === undefined
      ? undefined
      : { type: head.type, code: head.code, text: head.text, body: bytes.subarray(4 + size) };
  const outcome =
    head.status === undefined ? undefined : { status: head.status, text: head.outcomeText };
  return { reply, outcome };
}
