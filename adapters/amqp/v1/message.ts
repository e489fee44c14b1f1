import type { Message } from 'rhea';

interface Section {
  readonly content?: unknown;
  readonly multiple?: boolean;
}

/** The content of a message: data sections as they are, a text in UTF-8, any other value as JSON. */
export function bodyOf({ body }: Message): {
  readonly content: Buffer;
  readonly kind: string | undefined;
} {
  const value = sectionOf(body);
  if (Buffer.isBuffer(value)) return { content: value, kind: undefined };
  if (Array.isArray(value) && value.length > 0 && value.every((one) => Buffer.isBuffer(one))) {
    return { content: Buffer.concat(value), kind: undefined };
  }
  if (typeof value === 'string') return { content: Buffer.from(value), kind: undefined };
  if (value === undefined || value === null) return { content: Buffer.alloc(0), kind: undefined };
  return { content: Buffer.from(JSON.stringify(value)), kind: 'application/json' };
}

function sectionOf(body: unknown): unknown {
  const isSection = typeof body === 'object' && body !== null && 'typecode' in body;
  return isSection ? (body as Section).content : body;
}

/** What a repetition has too: its message-id, or the number that Service Bus gives it; undefined for none. */
export function idOf({
  message_id: id,
  message_annotations: notes = {},
}: Message): string | undefined {
  if (Buffer.isBuffer(id)) return id.toString('hex');
  if (id !== undefined && id !== null && String(id) !== '') return String(id);
  const number: unknown = notes['x-opt-sequence-number'];
  return typeof number === 'number' || Buffer.isBuffer(number)
    ? `sequence ${Buffer.isBuffer(number) ? number.toString('hex') : number}`
    : undefined;
}
