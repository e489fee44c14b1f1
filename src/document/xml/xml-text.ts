import { DOMParser, type Document as Dom, MIME_TYPE, ParseError } from '@xmldom/xmldom';
import { EngineError } from '../../error/engine-error.ts';
import { type Charset, charsetNamed, type Decoded, decodeFaithfully, LATIN1 } from '../charset.ts';

const PROLOG = /^\uFEFF?(?:\s+|<\?[^]*?\?>|<!--[^]*?-->)*/;
const ENCODING = /^(?:\uFEFF|\u00ef\u00bb\u00bf)?<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']/;

/** Reads the bytes in the encoding that the XML declaration names, else the given one, else UTF-8. */
export function xmlText(bytes: Uint8Array, given: string | undefined): Decoded {
  const declared = ENCODING.exec(LATIN1.decode(bytes.subarray(0, 200)))?.[1];
  const charset: Charset | undefined = charsetNamed(declared ?? given);
  if (declared !== undefined && charset === undefined) {
    throw unreadable('its encoding is not supported');
  }
  const decoded = decodeFaithfully(bytes, charset);
  if (decoded.invalidAt !== undefined) {
    throw unreadable(`the byte at offset ${decoded.invalidAt} is not valid in its encoding`);
  }
  return decoded;
}

/** Parses XML. A document type is refused before anything of it is read, so entities cannot be declared. */
export function parseXml(text: string): Dom {
  const prolog = PROLOG.exec(text)?.[0] ?? '';
  if (/^<!DOCTYPE/i.test(text.slice(prolog.length))) {
    throw unreadable('it has a document type declaration (DTD), which is not accepted');
  }
  try {
    return new DOMParser({ onError: stop }).parseFromString(
      text.replace(/^\uFEFF/, ''),
      MIME_TYPE.XML_TEXT,
    );
  } catch (error) {
    throw unreadable(placeOf(error));
  }
}

/** Warnings stop too: what they mean (a missing quote, an unknown entity) is not XML. */
function stop(): never {
  throw new Error('not well-formed');
}

function placeOf(error: unknown): string {
  const locator: unknown = error instanceof ParseError ? error.locator : undefined;
  const { lineNumber, columnNumber } = (locator ?? {}) as {
    lineNumber?: number;
    columnNumber?: number;
  };
  if (lineNumber === undefined || lineNumber === 0) return 'it is not well-formed';
  return `it is not well-formed after line ${lineNumber}, column ${columnNumber ?? 1}`;
}

function unreadable(why: string): EngineError {
  return new EngineError('DOCUMENT_UNREADABLE', `The body cannot be read as XML: ${why}.`);
}
