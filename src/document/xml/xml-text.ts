import { EngineError } from '../../error/engine-error.ts';
import { type Charset, charsetNamed, type Decoded, decodeFaithfully, LATIN1 } from '../charset.ts';

const ENCODING = /^(?:\uFEFF|\u00ef\u00bb\u00bf)?<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']/;

/** Decodes the bytes in the encoding that the XML declaration names, otherwise the given one, otherwise UTF-8. */
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

/** The error for a body that is not usable XML, with the reason. */
export function unreadable(why: string): EngineError {
  return new EngineError('DOCUMENT_UNREADABLE', `The body cannot be read as XML: ${why}.`);
}
