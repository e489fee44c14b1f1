import { randomUUID } from 'node:crypto';
import { describeSize, EngineError } from 'waybill/adapter';
import { textOf, type XmlElement } from 'waybill/document';
import { mediaTypeOf } from 'waybill/peer/http';
import { SOAP, type SoapVersion } from '../soap-version.ts';
import { attributeOf, elementsOf, readXml, trimmed, within, type XmlSource } from '../xml.ts';
import { type AttachedPart, ROOT_ID, readMultipart, writeMultipart } from './multipart.ts';

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
  new EngineError('DOCUMENT_UNREADABLE', `The body cannot be read: ${why}.`);

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
