import { hl7Batch, hl7Header } from '../../document/index.ts';
import type { NewMessage } from '../../message/message.ts';

/** What a file is delivered as. */
export interface BatchParts {
  readonly messages: readonly NewMessage[];
  /** What is odd about the batch: a count that does not agree, a line outside of a message. */
  readonly oddities: readonly string[];
}

/**
 * Takes a file with several HL7 messages apart, with or without FHS and BHS around them. Any other file
 * is one message. To find the messages the whole file is read into memory.
 */
export async function batchParts(message: NewMessage): Promise<BatchParts> {
  if (!message.type.startsWith('HL7v2')) return { messages: [message], oddities: [] };
  const body = await bytesOf(message.body);
  const { kind, messages, findings } = hl7Batch(body);
  if (kind === 'single' || messages.length === 0) {
    return { messages: [{ ...message, body }], oddities: [] };
  }
  return {
    messages: messages.map((one, index) => partOf(message, one, index + 1)),
    oddities: findings.map(({ text }) => text),
  };
}

/** `number` keeps equal messages of one file apart, while the same file taken again is known. */
function partOf(message: NewMessage, body: Uint8Array, number: number): NewMessage {
  return {
    ...message,
    body,
    type: hl7Header(body).type,
    dedupeKey: `${message.dedupeKey ?? ''} ${number}`,
  };
}

async function bytesOf(body: NewMessage['body']): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
