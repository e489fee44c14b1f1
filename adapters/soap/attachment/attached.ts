import { randomUUID } from 'node:crypto';
import { describeSize, EngineError } from 'waybill/adapter';
import { textOf, type XmlElement } from 'waybill/document';
import { mediaTypeOf } from 'waybill/peer/http';
import { SOAP, type SoapVersion } from '../soap-version.ts';
import { attributeOf, elementsOf, readXml, trimmed, within, type XmlSource } from '../xml.ts';

const XOP = 'http://www.w3.org/2004/08/xop/include';

/** How binary contents go beside an envelope. */
export type Attaching = 'mtom' | 'swa';

/** An envelope with its attachments put back, in base64. */
export interface Collected {
  readonly bytes: Buffer;
  readonly charset: string | undefined;
  /** How many parts the XML does not refer to. */
  readonly left: number;
}

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/**
 * The envelope of a multipart body with the contents that it refers to in their places: `xop:Include`, an element that
 * is `cid:…`, or one with `href="cid:…"`. Throws DOCUMENT_UNREADABLE.
 *
 * @param limit bytes of the result
 */
export function collected(contentType: string, body: Buffer, limit: number): Collected {
  const { root, others } = readMultipart(contentType, body);
  const { charset } = mediaTypeOf(root.type);
  if (others.length === 0) return { bytes: root.content, charset, left: 0 };
  const source = readXml(root.content, charset);
  const waiting = new Map(others.filter(({ id }) => id !== '').map((part) => [part.id, part]));
  const edits: Edit[] = [];
  let size = root.content.byteLength;
  for (const element of within(source.root)) {
    const id = referenceOf(element);
    if (id === undefined) continue;
    const part = waiting.get(id);
    if (part === undefined) {
      if (element.uri !== XOP) continue;
      throw unreadable('it refers to an attachment that is not there, or twice to one');
    }
    // each once: otherwise one attachment could become many
    waiting.delete(id);
    size += Math.ceil(part.content.byteLength / 3) * 4;
    if (size > limit)
      throw unreadable(`with its attachments it is larger than ${describeSize(limit)}`);
    edits.push(placed(source, element, part.content.toString('base64')));
  }
  const left = others.length - edits.length;
  return { bytes: Buffer.from(inUtf8(edited(source.text, edits))), charset: 'UTF-8', left };
}

const unreadable = (why: string): EngineError =>
  new EngineError('DOCUMENT_UNREADABLE', `The body cannot be read as multipart/related: ${why}.`);

const inUtf8 = (text: string): string =>
  text.replace(/^(<\?xml[^>]*?)\sencoding\s*=\s*(?:"[^"]*"|'[^']*')/, '$1 encoding="UTF-8"');

/** The Content-ID that an element refers to, in one of the three ways. */
function referenceOf(element: XmlElement): string | undefined {
  const href = attributeOf(element, 'href');
  const isEmpty = elementsOf(element).length === 0;
  if (!isEmpty) return undefined;
  const text = href ?? (element.children.length === 1 ? trimmed(element) : '');
  const [, id] = /^cid:(\S{1,1000})$/i.exec(text) ?? [];
  return id === undefined ? undefined : unescaped(id);
}

function unescaped(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    // URIError: a stray %, which then is part of the id
    return id;
  }
}

/** The content in place of a reference: of the Include itself, or within the element. */
function placed({ text }: XmlSource, element: XmlElement, content: string): Edit {
  const { from = 0, to = 0 } = element.source?.whole ?? {};
  if (element.uri === XOP && element.local === 'Include') return { from, to, text: content };
  const tag = text.slice(from, element.source?.tag.to).replace(/\s*\/?>$/, '');
  const start = tag.replace(/\shref\s*=\s*(?:"[^"]*"|'[^']*')/, '');
  return { from, to, text: `${start}>${content}</${element.name}>` };
}

function edited(text: string, edits: readonly Edit[]): string {
  const pieces: string[] = [];
  let last = 0;
  for (const edit of edits) {
    pieces.push(text.slice(last, edit.from), edit.text);
    last = edit.to;
  }
  return [...pieces, text.slice(last)].join('');
}

/** Shorter contents are not worth a part of their own. */
const WORTH_IT = 1_024;

interface Detaching {
  readonly attaching: Attaching;
  /** The local names of elements that are sent apart, however short; if empty, all that are long enough. */
  readonly names: readonly string[];
  readonly version: SoapVersion;
  readonly action: string;
  /** Whether the text is signed: then only contents that read back letter by letter may go apart. */
  readonly signed: boolean;
}

/** An envelope as a multipart body, with its base64 contents as separate parts. */
export function detached(
  text: string,
  detaching: Detaching,
): { readonly contentType: string; readonly body: Buffer } {
  const source = readXml(Buffer.from(text));
  const parts: AttachedPart[] = [];
  const edits: Edit[] = [];
  for (const element of within(source.root)) {
    const content = binaryOf(element, detaching);
    if (content === undefined) continue;
    const id = `${parts.length + 1}.${randomUUID()}@waybill`;
    parts.push({ id, type: 'application/octet-stream', content });
    const reference =
      detaching.attaching === 'swa'
        ? `cid:${id}`
        : `<xop:Include xmlns:xop="${XOP}" href="cid:${id}"/>`;
    const { tag, whole } = element.source ?? { tag: { to: 0 }, whole: { to: 0 } };
    const end = source.text.lastIndexOf('</', whole.to - 1);
    edits.push({ from: tag.to, to: end, text: reference });
  }
  return packed(edited(source.text, edits), parts, detaching);
}

function binaryOf(element: XmlElement, { names, signed }: Detaching): Buffer | undefined {
  if (elementsOf(element).length > 0) return undefined;
  if (names.length > 0 && !names.includes(element.local)) return undefined;
  const given = textOf(element);
  if (given.length < (names.length > 0 ? 1 : WORTH_IT)) return undefined;
  const text = signed ? given : given.replaceAll(/\s+/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const content = Buffer.from(text, 'base64');
  return content.toString('base64') === text ? content : undefined;
}

function packed(
  envelope: string,
  others: readonly AttachedPart[],
  { attaching, version, action }: Detaching,
): { readonly contentType: string; readonly body: Buffer } {
  const { media } = SOAP[version];
  const parameter = version === '1.2' && action !== '' ? `; action="${action}"` : '';
  const isXop = attaching === 'mtom';
  const type = isXop
    ? `application/xop+xml; charset=UTF-8; type="${media}"`
    : `${media}; charset=UTF-8${parameter}`;
  // the type says the charset, and some receivers stumble over a declaration here
  const content = Buffer.from(envelope.replace(/^<\?xml[^>]*\?>\s*/, ''));
  const root = { id: ROOT_ID, type, content };
  const { boundary, body } = writeMultipart({ root, others });
  const kind = isXop
    ? `type="application/xop+xml"; start-info="${media}"${parameter}`
    : `type="${media}"${parameter}`;
  return {
    contentType: `multipart/related; ${kind}; start="<${ROOT_ID}>"; boundary="${boundary}"`,
    body,
  };
}

/** One part of a multipart/related body (RFC 2387). */
interface AttachedPart {
  /** Without its angle brackets; `''` if it has none. */
  readonly id: string;
  readonly type: string;
  readonly content: Buffer;
}

/** A body of several parts, of which one is the envelope. */
interface Multipart {
  readonly root: AttachedPart;
  readonly others: readonly AttachedPart[];
}

const MOST_PARTS = 1_000;
const LONGEST_HEAD = 16_384;

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
function readMultipart(contentType: string, body: Buffer): Multipart {
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
  throw unreadable('its boundary is missing');
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

const ROOT_ID = 'envelope@waybill';

/** A body of these parts, the envelope first, and the boundary between them. */
function writeMultipart({ root, others }: Multipart): {
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
