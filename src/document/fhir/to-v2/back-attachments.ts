import { codesOf } from '../v2/codes.ts';
import { type Element, isElement } from '../v2/json.ts';
import type { BackForm } from './back-context.ts';
import type { Cell } from './cell.ts';
import { textIn } from './uses.ts';

/** Attachment as ED: its data in base64. */
export const attachmentBack: BackForm = (found, cell, { uses }) => {
  const { value } = found;
  const data = isElement(value) ? textIn(value, 'data') : undefined;
  if (!isElement(value) || data === undefined || cell.at(5)?.set(data) !== true) return false;
  contentTypeBack(value, cell);
  cell.at(4)?.set('Base64');
  uses.useAll(found);
  return true;
};

/** Attachment that is elsewhere as RP. */
export const linkedBack: BackForm = (found, cell, { uses }) => {
  const { value } = found;
  const url = isElement(value) ? textIn(value, 'url') : undefined;
  if (!isElement(value) || url === undefined || cell.at(1)?.set(url) !== true) return false;
  contentTypeBack(value, cell);
  uses.useAll(found);
  return true;
};

const KINDS: Readonly<Record<string, string>> = { image: 'IM', audio: 'AU', text: 'TEXT' };

/** RP and ED have the kind of data at 3 and 2 parts: `AP^PDF`, `IM^JPEG`. */
function contentTypeBack(value: Element, cell: Cell): void {
  const type = textIn(value, 'contentType')?.split(';')[0]?.trim();
  if (type === undefined) return;
  const subtype = codesOf('ContentSubtype').find(([, { code }]) => code === type)?.[0];
  cell.at(2)?.set(KINDS[type.split('/')[0] ?? ''] ?? 'AP');
  cell.at(3)?.set(subtype ?? type);
}
