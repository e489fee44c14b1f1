import { randomUUID } from 'node:crypto';
import { EngineError } from 'waybill/adapter';

/** One part of a multipart/related body (RFC 2387). */
export interface AttachedPart {
  /** Without its angle brackets; `''` if it has none. */
  readonly id: string;
  readonly type: string;
  readonly content: Buffer;
}

/** A body of several parts, of which one is the envelope. */
export interface Multipart {
  readonly root: AttachedPart;
  readonly others: readonly AttachedPart[];
}

const MOST_PARTS = 1_000;
const LONGEST_HEAD = 16_384;

const unreadable = (why: string): EngineError =>
  new EngineError('DOCUMENT_UNREADABLE', `The body cannot be read as multipart/related: ${why}.`);

/** The value of a parameter of a Content-Type; undefined if it has none. */
function parameterOf(header: string, name: string): string | undefined {
  const found = new RegExp(
    `;\\s*${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`,
    'i',
  ).exec(header);
  return found?.[1]?.replaceAll(/\\(.)/g, '$1') ?? found?.[2];
}

const bare = (id: string): string => id.trim().replaceAll(/^<|>$/g, '');

/** Reads a body by its Content-Type. The contents are parts of `body`, not copies. Throws DOCUMENT_UNREADABLE. */
export function readMultipart(contentType: string, body: Buffer): Multipart {
  const boundary = parameterOf(contentType, 'boundary');
  if (boundary === undefined || boundary === '' || boundary.length > 200) {
    throw unreadable('its type has no usable boundary');
  }
  const parts = [...partsOf(body, Buffer.from(`--${boundary}`, 'latin1'))];
  const start = parameterOf(contentType, 'start');
  const root = start === undefined ? parts[0] : parts.find(({ id }) => id === bare(start));
  if (root === undefined) throw unreadable('the part with the envelope is missing');
  const ids = parts.map(({ id }) => id).filter((id) => id !== '');
  if (new Set(ids).size < ids.length) throw unreadable('two parts have the same Content-ID');
  return { root, others: parts.filter((part) => part !== root) };
}

function* partsOf(body: Buffer, delimiter: Buffer): Generator<AttachedPart> {
  let count = 0;
  let at = delimiterFrom(body, delimiter, 0);
  while (at >= 0) {
    const from = at + delimiter.length;
    if (body.toString('latin1', from, from + 2) === '--') return;
    const next = delimiterFrom(body, delimiter, from);
    if (next < 0) throw unreadable('it was cut off');
    if (++count > MOST_PARTS) throw unreadable(`it has more than ${MOST_PARTS} parts`);
    yield partIn(body.subarray(from, next));
    at = next;
  }
  throw unreadable('it does not have its boundary');
}

/** A delimiter begins a line. */
function delimiterFrom(body: Buffer, delimiter: Buffer, from: number): number {
  for (let at = body.indexOf(delimiter, from); at >= 0; at = body.indexOf(delimiter, at + 1)) {
    if (at === 0 || body[at - 1] === 0x0a) return at;
  }
  return -1;
}

/** The text between two delimiters: the rest of a line, headers, an empty line, the content, and a line end. */
function partIn(bytes: Buffer): AttachedPart {
  const lines = bytes.indexOf('\r\n\r\n');
  const bareLines = bytes.indexOf('\n\n');
  const end = lines < 0 || (bareLines >= 0 && bareLines < lines) ? bareLines : lines;
  if (end < 0 || end > LONGEST_HEAD) throw unreadable('a part has no end of its headers');
  const head = bytes.toString('latin1', 0, end).replaceAll(/\r?\n[ \t]+/g, ' ');
  const header = (name: string): string =>
    new RegExp(`^${name}:(.*)$`, 'im').exec(head)?.[1]?.trim() ?? '';
  const last = bytes.at(-2) === 0x0d ? 2 : 1;
  const content = bytes.subarray(end + (end === lines ? 4 : 2), bytes.length - last);
  return {
    id: bare(header('Content-ID')),
    type: header('Content-Type'),
    content: decoded(content, header('Content-Transfer-Encoding').toLowerCase()),
  };
}

function decoded(content: Buffer, encoding: string): Buffer {
  if (encoding === 'base64') return Buffer.from(content.toString('latin1'), 'base64');
  if (encoding === '' || /^(binary|8bit|7bit)$/.test(encoding)) return content;
  throw unreadable('a part has a transfer encoding other than binary and base64');
}

export const ROOT_ID = 'envelope@waybill';

/** A body of these parts, the envelope first, and the boundary between them. */
export function writeMultipart({ root, others }: Multipart): {
  readonly boundary: string;
  readonly body: Buffer;
} {
  const boundary = `waybill-${randomUUID()}`;
  const pieces = [root, ...others].flatMap(({ id, type, content }) => [
    Buffer.from(
      `--${boundary}\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <${id}>\r\n\r\n`,
    ),
    content,
    Buffer.from('\r\n'),
  ]);
  return { boundary, body: Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]) };
}
