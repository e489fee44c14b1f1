import { EngineError } from 'waybill/adapter';
import type { XmlElement } from 'waybill/document';
import { SOAP, type SoapVersion, versionOf } from './soap-version.ts';
import { childOf, elementsOf, readXml, standalone, type XmlSource } from './xml.ts';

/** A parsed SOAP envelope. */
export interface Envelope extends XmlSource {
  readonly version: SoapVersion;
  readonly header: XmlElement | undefined;
  readonly headers: readonly XmlElement[];
  readonly body: XmlElement;
  /** The first element of the body. */
  readonly payload: XmlElement | undefined;
}

/** The parts of an envelope; undefined if the text is some other XML. Throws for an envelope without a body. */
export function envelopeIn(source: XmlSource): Envelope | undefined {
  const { root } = source;
  const version = versionOf(root);
  if (version === undefined || root.local !== 'Envelope') return undefined;
  const { namespace } = SOAP[version];
  const children = elementsOf(root);
  const header = childOf(root, namespace, 'Header');
  const body = childOf(root, namespace, 'Body');
  // another element in front, or a second body, would be read by one receiver and not by another
  const expected = header === undefined ? [body] : [header, body];
  const isWhole = body !== undefined && expected.every((one, at) => children[at] === one);
  if (!isWhole || (version === '1.2' && children.length > expected.length)) {
    throw notAnEnvelope();
  }
  if (children.slice(expected.length).some(({ uri }) => uri === namespace)) throw notAnEnvelope();
  const headers = header === undefined ? [] : elementsOf(header);
  return { ...source, version, header, headers, body, payload: elementsOf(body)[0] };
}

const notAnEnvelope = (): EngineError =>
  new EngineError(
    'DOCUMENT_UNREADABLE',
    'The body cannot be read as SOAP: an envelope has one Body, with at most one Header before it.',
  );

/** Reads an envelope; undefined for other XML. Throws DOCUMENT_UNREADABLE. */
export function readEnvelope(bytes: Uint8Array, charset?: string): Envelope | undefined {
  return envelopeIn(readXml(bytes, charset));
}

/** The content of the body as XML of its own: its first element, or nothing. */
export const payloadOf = (envelope: Envelope): string =>
  envelope.payload === undefined ? '' : standalone(envelope, envelope.payload);

/** Where text is put into an envelope before it is sent. */
export interface Writing {
  readonly version: SoapVersion;
  /** Up to the end of the existing headers. */
  readonly before: string;
  /** From the end of the headers to the start tag of the body, inclusive. */
  readonly between: string;
  /** The content of the body and the end. */
  readonly after: string;
}

export const BODY_ID = 'waybill-body';
export const UTILITY =
  'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';

/** The text of an envelope, with more headers. */
export const written = ({ before, between, after }: Writing, headers: string): string =>
  before + headers + between + after;

/** An envelope around a payload. `signed` gives its body an id to refer to. */
export function envelopeAround(payload: string, version: SoapVersion, signed: boolean): Writing {
  const id = signed ? ` xmlns:wsu="${UTILITY}" wsu:Id="${BODY_ID}"` : '';
  return {
    version,
    before: `<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="${SOAP[version].namespace}"><soap:Header>`,
    between: `</soap:Header><soap:Body${id}>`,
    after: `${payload}</soap:Body></soap:Envelope>`,
  };
}

/** An existing envelope, to be sent with more headers; every other character stays. */
export function envelopeAgain(envelope: Envelope, signed: boolean): Writing {
  const { text, root, header, body, version } = envelope;
  const from = text.startsWith('\uFEFF') ? 1 : 0;
  const bodyTag = spanOf(body);
  const content = contentOf(envelope, body);
  const between = signed ? identified(bodyTag.text(text), body) : bodyTag.text(text);
  const after = `${content.inner}</${body.name}>${text.slice(content.end)}`;
  if (header === undefined) {
    const name = root.prefix === '' ? 'Header' : `${root.prefix}:Header`;
    return {
      version,
      before: `${text.slice(from, spanOf(root).to)}<${name}>`,
      between: `</${name}>${text.slice(spanOf(root).to, bodyTag.from)}${opened(between)}`,
      after,
    };
  }
  const headers = contentOf(envelope, header);
  return {
    version,
    before:
      text.slice(from, spanOf(header).from) + opened(spanOf(header).text(text)) + headers.inner,
    between: `</${header.name}>${text.slice(headers.end, bodyTag.from)}${opened(between)}`,
    after,
  };
}

/** A start tag for an element that now has content. */
const opened = (tag: string): string => tag.replace(/\s*\/>$/, '>');

function spanOf({ source }: XmlElement): {
  readonly from: number;
  readonly to: number;
  readonly text: (whole: string) => string;
} {
  const { from, to } = source?.tag ?? { from: 0, to: 0 };
  return { from, to, text: (whole) => whole.slice(from, to) };
}

/** The content of an element, and where the element ends. */
function contentOf(
  { text }: XmlSource,
  { source }: XmlElement,
): { readonly inner: string; readonly end: number } {
  const [tag, whole] = [source?.tag, source?.whole];
  if (tag === undefined || whole === undefined) return { inner: '', end: 0 };
  const isEmpty = text.slice(tag.from, tag.to).endsWith('/>');
  const inner = isEmpty ? '' : text.slice(tag.to, text.lastIndexOf('</', whole.to - 1));
  return { inner, end: whole.to };
}

/** The start tag of a body with an id; its own stays. */
function identified(tag: string, body: XmlElement): string {
  if (body.attributes.some(({ local, uri }) => local === 'Id' && uri === UTILITY)) return tag;
  const at = 1 + body.name.length;
  return `${tag.slice(0, at)} xmlns:wsu="${UTILITY}" wsu:Id="${BODY_ID}"${tag.slice(at)}`;
}
