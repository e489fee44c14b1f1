import { isAscii } from 'node:buffer';
import { type Charset, type Decoded, declaredOr, decodeFaithfully } from '../document/charset.ts';
import { documentOf, kindOf } from '../document/document-of.ts';
import { endingWithCr, hl7Header } from '../document/index.ts';
import { EngineError } from '../error/engine-error.ts';
import type { TransformOutput } from '../transform/transform.ts';

/** What is made of the parts of a batch. */
export const JOINED_AS = {
  json: 'a JSON array; parts that are not JSON are texts in it',
  hl7: 'an HL7 batch: FHS, BHS, the messages, BTS with their number, FTS',
  lines: 'one text, each part on a line of its own or more',
  bytes: 'one part after the other, unchanged, such as X12 interchanges',
} as const;

export type JoinedAs = keyof typeof JOINED_AS;

export interface JoinedPart {
  readonly type: string;
  readonly charset: string | undefined;
  readonly body: Uint8Array;
}

export interface Joining {
  readonly as: JoinedAs;
  readonly name: string;
  /** When the first part came: what is made must be the same if it is made again. */
  readonly at: number;
}

/** Throws MESSAGE_INVALID for a part that cannot be in such a batch, before it is collected. */
export function checkPart(as: JoinedAs, type: string, body: () => Uint8Array): void {
  if (as !== 'hl7') return;
  const isMessage = type.startsWith('HL7v2') && hl7Header(body()).kind === 'message';
  if (isMessage) return;
  const text = `only single HL7 messages can be in an HL7 batch, and this is ${type}; collect it as bytes or route it elsewhere`;
  throw new EngineError('MESSAGE_INVALID', text);
}

/**
 * The message made of the parts, in their order. Text in different charsets becomes UTF-8, since one
 * body has one; `bytes` changes nothing.
 */
export function joinedParts(parts: readonly JoinedPart[], joining: Joining): TransformOutput {
  const [first] = parts;
  const { as, name } = joining;
  if (as === 'json') {
    return {
      body: Buffer.from(jsonArray(parts)),
      type: 'application/json',
      charset: 'utf-8',
      name,
    };
  }
  const type = first?.type ?? 'application/octet-stream';
  if (as === 'bytes') {
    const body = Buffer.concat(parts.map((part) => part.body));
    return { body, type, charset: first?.charset, name };
  }
  const { bodies, charset } = inOneCharset(parts);
  const body = as === 'hl7' ? hl7Batch(bodies, joining) : lines(bodies);
  return { body, type, charset, name };
}

const lines = (bodies: readonly Uint8Array[]): Buffer =>
  Buffer.concat(bodies.flatMap((body) => [body, endOf(body)]));

const NOTHING = new Uint8Array(0);
const LINE_END = Buffer.from('\n');

/** A line end, unless there is one. */
const endOf = (body: Uint8Array): Uint8Array =>
  body.at(-1) === 0x0a || body.at(-1) === 0x0d ? NOTHING : LINE_END;

function jsonArray(parts: readonly JoinedPart[]): string {
  const items = parts.map((part) => {
    const { text } = decodedPart(part);
    return /[/+]json\b/.test(part.type) && isJson(text) ? text.trim() : JSON.stringify(text);
  });
  return `[${items.join(',\n')}]`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** The delimiters and the sender are those of the first message, so that a reader reads all alike. */
function hl7Batch(bodies: readonly Uint8Array[], { name, at }: Joining): Uint8Array {
  const messages = bodies.map((body) => endingWithCr(body)?.(Buffer.from(body)) ?? body);
  const first = Buffer.from(messages[0] ?? NOTHING);
  const header = first.toString('latin1').split(/[\r\n]/, 1)[0] ?? '';
  const separator = hl7Header(first).delimiters.field;
  const fields = header.split(separator);
  const [, encoding = '^~\\&', application = '', facility = '', to = '', place = ''] = fields;
  const time = new Date(at).toISOString().replace(/\D/g, '').slice(0, 14);
  const begin = (segment: string): string =>
    [segment, encoding, application, facility, to, place, time, '', '', '', name].join(separator);
  const end = (segment: string, count: number): string => `${segment}${separator}${count}`;
  const before = `${begin('FHS')}\r${begin('BHS')}\r`;
  const after = `${end('BTS', messages.length)}\r${end('FTS', 1)}\r`;
  return Buffer.concat([
    Buffer.from(before, 'latin1'),
    ...messages.flatMap((body) => [body, body.at(-1) === 0x0d ? NOTHING : Buffer.from('\r')]),
    Buffer.from(after, 'latin1'),
  ]);
}

/** The text of a part, in the charset that it declares itself, otherwise in that of its message. */
function decodedPart({ type, charset, body }: JoinedPart): Decoded {
  const declared: Charset | undefined =
    kindOf(type) === 'hl7' ? hl7Header(body).charset : undefined;
  return decodeFaithfully(body, declaredOr(declared, charset));
}

/** Parts of one text, in one charset: as they are if they agree, otherwise all in UTF-8. */
function inOneCharset(parts: readonly JoinedPart[]): {
  readonly bodies: readonly Uint8Array[];
  readonly charset: string | undefined;
} {
  const charsets = new Set(
    parts.filter((part) => !isAscii(part.body)).map((part) => decodedPart(part).charset.name),
  );
  if (charsets.size < 2) {
    const [charset = parts[0]?.charset] = charsets;
    return { bodies: parts.map(({ body }) => body), charset };
  }
  return { bodies: parts.map(inUtf8), charset: 'utf-8' };
}

function inUtf8(part: JoinedPart): Uint8Array {
  if (isAscii(part.body)) return part.body;
  if (kindOf(part.type) !== 'hl7') return Buffer.from(decodedPart(part).text, 'utf8');
  const document = documentOf(part.body, part);
  document.set('MSH-18', 'UNICODE UTF-8');
  return document.bytes();
}
