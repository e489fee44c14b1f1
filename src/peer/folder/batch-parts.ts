import { BatchStream, hl7Batch, hl7Header } from '../../document/index.ts';
import type { NewMessage } from '../../message/message.ts';

/** What a file is delivered as. */
export interface BatchParts {
  /** In order; each is to be consumed before the next is asked for. */
  readonly messages: AsyncIterable<NewMessage> | Iterable<NewMessage>;
  /** What is odd about the batch, once its messages were read: a count that does not agree, a line outside of a message. */
  oddities(): readonly string[];
}

/** Of a large file with several messages, each may have this many bytes: it is held in memory. */
const MOST = 32 * 1024 * 1024;

const NOTHING_ODD = (): readonly string[] => [];

/** Takes a file with several HL7 messages apart, with or without FHS and BHS around them. Any other file is one message. */
export function batchParts(message: NewMessage): BatchParts {
  const { body, type } = message;
  if (!type.startsWith('HL7v2')) return { messages: [message], oddities: NOTHING_ODD };
  if (!(body instanceof Uint8Array)) return streamed(message, new BatchStream(body, MOST));
  const { kind, messages, findings } = hl7Batch(body);
  if (kind === 'single' || messages.length === 0) {
    return { messages: [message], oddities: NOTHING_ODD };
  }
  return {
    messages: messages.map((one, index) => partOf(message, one, index + 1)),
    oddities: () => findings.map(({ text }) => text),
  };
}

function streamed(message: NewMessage, stream: BatchStream): BatchParts {
  return { messages: messagesOf(message, stream), oddities: () => stream.oddities() };
}

async function* messagesOf(
  message: NewMessage,
  stream: BatchStream,
): AsyncGenerator<NewMessage, void, undefined> {
  let number = 0;
  for await (const { body, whole } of stream.parts()) {
    number += 1;
    const isPart = !whole && body instanceof Uint8Array;
    yield isPart ? partOf(message, body, number) : { ...message, body };
  }
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
