import { hl7Document } from '../../document/hl7/hl7-document.ts';
import { charsetNamed, decodeFaithfully, kindOf } from '../../document/index.ts';
import type { BodyText } from '../contract/body.ts';
import { indentedXml } from './indented-xml.ts';
import type { ShownBody } from './shown-body.ts';

/** A body or a page of it as text. A character that the page's edge cuts is left to the next page. */
export function bodyText(
  { message, bytes, reading, size, offset, masked }: ShownBody,
  part: 'message' | 'reply',
  pretty: boolean,
): BodyText {
  const kind = kindOf(reading.type);
  const whole = offset === 0 && bytes.byteLength >= size;
  const page = whole ? bytes : bytes.subarray(0, wholeCharacters(bytes));
  const { text, charset } = textOf(page, reading, whole && kind === 'hl7');
  const end = offset + page.byteLength;
  return {
    messageId: message.id,
    part,
    type: reading.type,
    kind,
    charset,
    size,
    offset,
    next: end < size && page.byteLength > 0 ? end : undefined,
    text: pretty && whole ? laidOut(text, kind) : text,
    masked,
  };
}

function textOf(
  bytes: Uint8Array,
  { charset }: ShownBody['reading'],
  hl7: boolean,
): { text: string; charset: string } {
  if (hl7) {
    try {
      const document = hl7Document(bytes, charset);
      return { text: document.text(), charset: document.charset.name };
    } catch {
      // shown as plain text: it may be just what is wrong with it that the reader looks for
    }
  }
  const decoded = decodeFaithfully(bytes, charsetNamed(charset));
  return { text: decoded.text, charset: decoded.charset.name };
}

/** Length without a UTF-8 character that is not complete. */
function wholeCharacters(bytes: Uint8Array): number {
  const length = bytes.byteLength;
  for (let back = 1; back <= Math.min(3, length); back++) {
    const byte = bytes[length - back] ?? 0;
    if (byte < 0x80) return length;
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needed > back && length > back ? length - back : length;
    }
  }
  return length;
}

function laidOut(text: string, kind: BodyText['kind']): string {
  if (kind === 'json') return indented(text);
  return kind === 'xml' ? indentedXml(text) : text;
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // no JSON
    return text;
  }
}
