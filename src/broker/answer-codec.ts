import type { MessageOutcome, Receipt, Reply } from '../message/message.ts';
import type { StoredBody } from './bodies.ts';

/** The answer to a waiting sender: the peer's reply, or how the message ended without one. */
export type Answer = Pick<Receipt, 'reply' | 'outcome'>;

interface Head {
  readonly type?: string | undefined;
  readonly code?: string | undefined;
  readonly text?: string | undefined;
  readonly status?: string | undefined;
  readonly outcomeText?: string | undefined;
  readonly error?: MessageOutcome['error'];
  /** Where the reply's body is stored if it is too large for one NATS message. */
  readonly bodyRef?: string | undefined;
  readonly size?: number | undefined;
}

/** An answer in transit, and where the body of its reply is stored if not in it. */
export interface CodedAnswer {
  readonly answer: Answer;
  readonly stored: StoredBody | undefined;
}

/** An answer as bytes: the length of its head (u32, big-endian), the head as JSON, the reply's body unless it is stored. */
export function encodeAnswer({ reply, outcome }: Answer, stored?: StoredBody): Uint8Array {
  const head: Head = {
    type: reply?.type,
    code: reply?.code,
    text: reply?.text,
    status: outcome?.status,
    outcomeText: outcome?.text,
    error: outcome?.error,
    bodyRef: stored?.bodyRef,
    size: stored?.size,
  };
  const json = Buffer.from(JSON.stringify(head));
  const size = Buffer.alloc(4);
  size.writeUInt32BE(json.byteLength);
  const body = stored === undefined ? reply?.body : undefined;
  return Buffer.concat([size, json, body ?? new Uint8Array(0)]);
}

export function decodeAnswer(data: Uint8Array): CodedAnswer {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const size = bytes.readUInt32BE(0);
  const head = JSON.parse(bytes.toString('utf8', 4, 4 + size)) as Head;
  const reply: Reply | undefined =
    head.type === undefined
      ? undefined
      : { type: head.type, code: head.code, text: head.text, body: bytes.subarray(4 + size) };
  const outcome =
    head.status === undefined
      ? undefined
      : { status: head.status, text: head.outcomeText, error: head.error };
  const { bodyRef, size: length = 0 } = head;
  const stored = bodyRef === undefined ? undefined : { bodyRef, size: length };
  return { answer: { reply, outcome }, stored };
}
