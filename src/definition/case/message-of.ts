import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { NewMessage } from '../../message/message.ts';
import { fileType } from '../../peer/folder/file-type.ts';
import type { GivenMessage } from '../grammar/test-form.ts';

/** The message of a case as a service's adapter would deliver it. Throws if its file cannot be read. */
export async function messageOf(
  { message, text, type, label }: Omit<GivenMessage, 'in'>,
  folder: string,
): Promise<NewMessage & { readonly body: Uint8Array }> {
  const given =
    text === undefined ? await readFile(resolve(folder, message ?? '')) : Buffer.from(text);
  const body = withSegmentEnds(given);
  return {
    body,
    type: type ?? fileType(body, message ?? ''),
    name: label ?? (message === undefined ? undefined : message.split('/').at(-1)),
  };
}

/** Editors end segments with line feeds; on the wire they end with carriage returns. */
export function withSegmentEnds(bytes: Buffer): Buffer {
  if (!isHl7(bytes)) return bytes;
  const text = bytes.toString('latin1').replace(/\r\n|\n/g, '\r');
  return Buffer.from(text.endsWith('\r') ? text : `${text}\r`, 'latin1');
}

const isHl7 = (bytes: Buffer): boolean => /^(MSH|BHS|FHS)/.test(bytes.toString('latin1', 0, 3));
