import { Buffer, isAscii } from 'node:buffer';
import { buffered, type Charset, charsetNamed, decodeFaithfully } from '../charset.ts';
import { declaredCharset } from './header.ts';
import type { Piece } from './line-list.ts';

/** A message as text, with what is known of the bytes it came from. */
export interface Hl7Text {
  readonly text: string;
  /** The bytes of this text; undefined for one that was made here. */
  readonly raw: Uint8Array | undefined;
  /** Undefined while every byte is ASCII: then it matters only if something else is written. */
  readonly charset: Charset | undefined;
  /** The charset the caller knows of, for a message that declares none. */
  readonly given: string | undefined;
}

/** Decodes a message once, in the charset that MSH-18 declares, else the given one, else UTF-8. */
export function hl7Text(bytes: Uint8Array, given: string | undefined): Hl7Text {
  const buffer = buffered(bytes);
  if (isAscii(buffer)) {
    return { text: buffer.toString('latin1'), raw: bytes, charset: undefined, given };
  }
  const wanted = declaredCharset(buffer).charset ?? charsetNamed(given);
  const { text, charset } = decodeFaithfully(buffer, wanted);
  return { text, raw: bytes, charset, given };
}

/** Puts a changed message together where everything is ASCII, so that a place in the text is the same place in the bytes. */
export function asciiBytes(pieces: readonly Piece[], raw: Uint8Array): Buffer {
  const source = buffered(raw);
  let size = 0;
  for (const piece of pieces) {
    size += typeof piece === 'string' ? piece.length : piece[1] - piece[0];
  }
  const result = Buffer.allocUnsafe(size);
  let at = 0;
  for (const piece of pieces) {
    at +=
      typeof piece === 'string'
        ? result.write(piece, at, 'latin1')
        : source.copy(result, at, piece[0], piece[1]);
  }
  return result;
}
