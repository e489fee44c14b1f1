import { BatchStream, hl7Batch, hl7Header } from '../../document/index.ts';
import { EngineError } from '../../error/engine-error.ts';
import type { NewMessage } from '../../message/message.ts';
import { type Cut, RecordCutter } from './record-cutter.ts';

/** What a file is delivered as. */
export interface FileMessages {
  /** In order; consume each before asking for the next. */
  readonly messages: AsyncIterable<FileMessage> | Iterable<FileMessage>;
  /**
   * What is wrong with the batch, known once its messages have been read: a count that does not
   * agree, a line outside a message.
   */
  oddities(): readonly string[];
}

export interface FileMessage {
  readonly message: NewMessage;
  /** How much of the file is stored once this is: so many messages, or records where it is cut. */
  readonly upTo: number;
}

/** In a large file with several messages, each may have this many bytes: it is held in memory. */
const MOST = 32 * 1024 * 1024;

const NOTHING_ODD = (): readonly string[] => [];

/** Splits a file with several HL7 messages, with or without FHS and BHS around them. Any other file is one message. */
export function messagesIn(message: NewMessage): FileMessages {
  const { body, type } = message;
  if (!type.startsWith('HL7v2')) return alone(message);
  if (!(body instanceof Uint8Array)) return streamedBatch(message, new BatchStream(body, MOST));
  const { kind, messages, findings } = hl7Batch(body);
  if (kind === 'single' || messages.length === 0) {
    return alone(message);
  }
  return {
    messages: messages.map((one, index) => ({
      message: partOf(message, one, index + 1),
      upTo: index + 1,
    })),
    oddities: () => findings.map(({ text }) => text),
  };
}

function streamedBatch(message: NewMessage, stream: BatchStream): FileMessages {
  return { messages: messagesOf(message, stream), oddities: () => stream.oddities() };
}

async function* messagesOf(
  message: NewMessage,
  stream: BatchStream,
): AsyncGenerator<FileMessage, void, undefined> {
  let number = 0;
  for await (const { body, whole } of stream.parts()) {
    number += 1;
    const isPart = !whole && body instanceof Uint8Array;
    yield {
      message: isPart ? partOf(message, body, number) : { ...message, body },
      upTo: number,
    };
  }
}

/** `number` distinguishes equal messages of one file, while the same file taken again is recognised. */
function partOf(message: NewMessage, body: Uint8Array, number: number): NewMessage {
  return {
    ...message,
    body,
    type: hl7Header(body).type,
    dedupeKey: `${message.dedupeKey ?? ''} ${number}`,
  };
}

const alone = (message: NewMessage): FileMessages => ({
  messages: [{ message, upTo: 1 }],
  oddities: NOTHING_ODD,
});

/** What consists of lines or rows; a file without a known ending may. */
const RECORDS = /^(?:text\/(?:csv|tab-separated-values|plain)|application\/octet-stream)\b/;

/**
 * Cuts a file into messages of some records each, behind the records that were stored before. Throws MESSAGE_INVALID for
 * a file of another kind.
 */
export function cutMessages(message: NewMessage, cut: Cut, stored: number): FileMessages {
  if (!RECORDS.test(message.type)) {
    throw new EngineError(
      'MESSAGE_INVALID',
      'It is not a file of lines or rows, so cut does not fit. Leave such files out by pattern, or set type if it is one.',
    );
  }
  return { messages: cutting(message, cut, stored), oddities: NOTHING_ODD };
}

async function* cutting(
  message: NewMessage,
  cut: Cut,
  stored: number,
): AsyncGenerator<FileMessage, void, undefined> {
  const { body, dedupeKey = '' } = message;
  const chunks = body instanceof Uint8Array ? [body] : body;
  for await (const part of new RecordCutter(cut, stored).parts(chunks)) {
    const key = `${dedupeKey} ${part.upTo}/${cut.every}`;
    yield { message: { ...message, body: part.body, dedupeKey: key }, upTo: part.upTo };
  }
}
