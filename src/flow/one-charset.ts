import { isAscii } from 'node:buffer';
import { type Charset, charsetNamed, type Decoded, decodeFaithfully } from '../document/charset.ts';
import { documentOf, kindOf } from '../document/document-of.ts';
import { hl7Header } from '../document/hl7/header.ts';
import type { JoinedPart } from './joined-parts.ts';

/** The text of a part, in the charset that it declares itself, otherwise in that of its message. */
export function decodedPart({ type, charset, body }: JoinedPart): Decoded {
  const declared: Charset | undefined =
    kindOf(type) === 'hl7' ? hl7Header(body).charset : undefined;
  return decodeFaithfully(body, declared ?? charsetNamed(charset));
}

/** Parts of one text, in one charset: as they are if they agree, otherwise all in UTF-8. */
export function inOneCharset(parts: readonly JoinedPart[]): {
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
