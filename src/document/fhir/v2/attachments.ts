import { Buffer } from 'node:buffer';
import { codeIn } from './codes.ts';
import type { FormContext } from './form-context.ts';
import type { Element } from './json.ts';
import type { Part } from './part.ts';

/** ED as an Attachment: its data in base64, whatever it came in. */
export function attachmentOf(part: Part): Element | undefined {
  const encoding = part.child(4)?.use().toLowerCase() ?? '';
  const text = part.child(5)?.use();
  if (text === undefined) return undefined;
  part.child(1)?.use();
  return { contentType: contentType(part), data: inBase64(text, encoding) };
}

/** RP as an Attachment that is elsewhere. */
export function linkedOf(part: Part, _context: FormContext): Element | undefined {
  const url = part.child(1)?.use();
  if (url === undefined) return undefined;
  part.child(2)?.use();
  return { contentType: contentType(part), url };
}

function contentType(part: Part): string | undefined {
  const subtype = part.child(3)?.use();
  const type = part.child(2)?.use();
  if (subtype !== undefined) {
    const found = codeIn('ContentSubtype', subtype)?.code;
    if (found !== undefined) return found;
    if (subtype.includes('/')) return subtype;
  }
  if (type === undefined) return undefined;
  if (type.includes('/')) return type;
  return codeIn('ContentSubtype', type)?.code ?? codeIn('ContentType', type)?.code;
}

function inBase64(text: string, encoding: string): string {
  const bare = text.replaceAll(/\s|\\\.br\\/g, '');
  if (encoding === 'base64' && /^[A-Za-z\d+/]*={0,2}$/.test(bare)) return padded(bare);
  const isHex = encoding === 'hex' && /^(?:[\da-f]{2})+$/i.test(bare);
  return Buffer.from(isHex ? bare : text, isHex ? 'hex' : 'utf8').toString('base64');
}

const padded = (text: string): string => {
  const body = text.replace(/=+$/, '');
  return body + '='.repeat((4 - (body.length % 4)) % 4);
};
