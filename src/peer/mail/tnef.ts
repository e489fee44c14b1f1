/** The content of a winmail.dat: Outlook's own format of a mail (MS-OXTNEF). */
export interface Tnef {
  readonly files: readonly TnefFile[];
  /** The text of the mail; empty if it is only in Outlook's own rich text. */
  readonly text: string;
  readonly html: string;
}

export interface TnefFile {
  readonly name: string;
  /** As declared, or `application/octet-stream`. */
  readonly type: string;
  readonly content: Buffer;
  /** Whether it is shown within the text. */
  readonly related: boolean;
}

const SIGNATURE = 0x22_3e_9f_78;
/** No honest mail has more files than this; it was made to cost time. */
const MOST_FILES = 1_000;
const MOST_PROPERTIES = 10_000;

/** By the lower half of their tags. */
const ATTRIBUTE = {
  attachmentBegins: 0x9002,
  attachmentTitle: 0x8010,
  attachmentData: 0x800f,
  attachmentProperties: 0x9005,
  messageProperties: 0x9003,
  body: 0x800c,
  codepage: 0x9007,
} as const;

const PROPERTY = {
  body: 0x1000,
  html: 0x1013,
  displayName: 0x3001,
  data: 0x3701,
  shortName: 0x3704,
  method: 0x3705,
  longName: 0x3707,
  mediaType: 0x370e,
  contentId: 0x3712,
} as const;

/** The value of PidTagAttachMethod for a mail within the mail. */
const EMBEDDED_MAIL = 5;

export function isTnef(content: Buffer): boolean {
  return content.length >= 6 && content.readUInt32LE(0) === SIGNATURE;
}

/** Reads it within the bounds of its bytes. Throws NotOpenable if it is truncated or not TNEF at all. */
export function readTnef(content: Buffer): Tnef {
  if (!isTnef(content))
    throw new NotOpenable('is not a winmail.dat (TNEF), although it is called one');
  try {
    return tnefOf(content);
  } catch (error) {
    // what a Buffer throws for an access outside it
    if (!(error instanceof RangeError)) throw error;
    throw new NotOpenable('is a winmail.dat (TNEF) that is truncated or damaged');
  }
}

interface OpenFile {
  title: string;
  data: Buffer | undefined;
  properties: Properties;
}

function tnefOf(content: Buffer): Tnef {
  const files: OpenFile[] = [];
  let [codepage, body] = ['windows-1252', ''];
  let message: Properties = new Map();
  for (const { id, data } of attributesOf(content)) {
    const file = files.at(-1);
    if (id === ATTRIBUTE.codepage) codepage = `windows-${data.readUInt32LE(0)}`;
    else if (id === ATTRIBUTE.body) body = textOf(data, codepage);
    else if (id === ATTRIBUTE.messageProperties) message = propertiesOf(data, codepage);
    else if (id === ATTRIBUTE.attachmentBegins) {
      if (files.length === MOST_FILES) {
        throw new NotOpenable(`is a winmail.dat (TNEF) with more than ${MOST_FILES} files`);
      }
      files.push({ title: '', data: undefined, properties: new Map() });
    } else if (file === undefined) continue;
    else if (id === ATTRIBUTE.attachmentTitle) file.title = textOf(data, codepage);
    else if (id === ATTRIBUTE.attachmentData) file.data = data;
    else if (id === ATTRIBUTE.attachmentProperties) {
      file.properties = propertiesOf(data, codepage);
    }
  }
  const html = htmlOf(message.get(PROPERTY.html), codepage);
  return {
    files: files.flatMap((file) => fileOf(file, html)),
    text: textAt(message, PROPERTY.body) || body,
    html,
  };
}

function* attributesOf(
  content: Buffer,
): Generator<{ readonly id: number; readonly data: Buffer }, void> {
  // level, id, length, data, checksum
  for (let at = 6; at + 9 <= content.length; ) {
    const level = content.readUInt8(at);
    // Some programs add zeros or a line end after it.
    if (level !== 1 && level !== 2) return;
    const id = content.readUInt16LE(at + 1);
    const end = at + 9 + content.readUInt32LE(at + 5);
    if (end > content.length) throw new RangeError('cut off');
    yield { id, data: content.subarray(at + 9, end) };
    at = end + 2;
  }
}

function fileOf({ title, data, properties }: OpenFile, html: string): TnefFile[] {
  const isMail = properties.get(PROPERTY.method) === EMBEDDED_MAIL;
  const content = isMail
    ? (objectAt(properties, INTERFACE_ID) ?? data)
    : (data ?? objectAt(properties));
  if (content === undefined) return [];
  const name = [PROPERTY.longName, PROPERTY.shortName]
    .map((id) => textAt(properties, id))
    .concat(title, textAt(properties, PROPERTY.displayName))
    .find((one) => one !== '');
  const declared = textAt(properties, PROPERTY.mediaType) || 'application/octet-stream';
  return [
    {
      name: name ?? 'Untitled Attachment',
      type: isMail && isTnef(content) ? 'application/ms-tnef' : declared,
      content,
      related: isShown(textAt(properties, PROPERTY.contentId), { html, declared }),
    },
  ];
}

/** An object is preceded by the id of its interface. */
const INTERFACE_ID = 16;

function objectAt(properties: Properties, from = 0): Buffer | undefined {
  const object = properties.get(PROPERTY.data);
  return Buffer.isBuffer(object) ? object.subarray(from) : undefined;
}

/** Many files have an id without being shown; in rich text, which is not read, only pictures are shown. */
function isShown(
  id: string,
  { html, declared }: { readonly html: string; readonly declared: string },
): boolean {
  if (id === '') return false;
  return html === '' ? declared.startsWith('image/') : html.includes(`cid:${id}`);
}

/** By id; texts, bytes and integers, the first of each if there are several. */
type Properties = Map<number, string | Buffer | number>;

/** The size in bytes of values with a fixed size, in multiples of four. */
const SIZES: Readonly<Record<number, number>> = {
  0x02: 4,
  0x03: 4,
  0x04: 4,
  0x05: 8,
  0x06: 8,
  0x07: 8,
  0x0a: 4,
  0x0b: 4,
  0x14: 8,
  0x40: 8,
  0x48: 16,
};
const TEXT = 0x1e;
const UNICODE = 0x1f;
const SEVERAL = 0x10_00;
const padded = (length: number): number => Math.ceil(length / 4) * 4;

function propertiesOf(data: Buffer, codepage: string): Properties {
  const found: Properties = new Map();
  const count = Math.min(data.readUInt32LE(0), MOST_PROPERTIES);
  let at = 4;
  for (let one = 0; one < count; one += 1) {
    const type = data.readUInt16LE(at);
    const id = data.readUInt16LE(at + 2);
    at += 4;
    if (id >= 0x80_00) at = afterName(data, at);
    const size = SIZES[type & ~SEVERAL];
    const hasCount = size === undefined || (type & SEVERAL) !== 0;
    const values = hasCount ? data.readUInt32LE(at) : 1;
    if (hasCount) at += 4;
    // Each takes at least four bytes, so that a wrong count ends at the end of the data.
    for (let value = 0; value < values; value += 1) {
      const length = size ?? data.readUInt32LE(at);
      if (size === undefined) at += 4;
      if (at + length > data.length) throw new RangeError('cut off');
      const bytes = data.subarray(at, at + length);
      at += padded(length);
      if (value === 0) found.set(id, valueOf(type & ~SEVERAL, bytes, codepage));
    }
  }
  return found;
}

/** Named properties include their name. */
function afterName(data: Buffer, at: number): number {
  const isNumber = data.readUInt32LE(at + 16) === 0;
  return isNumber ? at + 24 : at + 24 + padded(data.readUInt32LE(at + 20));
}

function valueOf(type: number, bytes: Buffer, codepage: string): string | Buffer | number {
  if (type === TEXT) return textOf(bytes, codepage);
  if (type === UNICODE) return bytes.toString('utf16le').replace(/\0+$/, '');
  return type === 0x03 ? bytes.readUInt32LE(0) : bytes;
}

function textAt(properties: Properties, id: number): string {
  const value = properties.get(id);
  return typeof value === 'string' ? value : '';
}

function htmlOf(value: string | Buffer | number | undefined, codepage: string): string {
  if (Buffer.isBuffer(value)) return textOf(value, codepage);
  return typeof value === 'string' ? value : '';
}

function textOf(bytes: Buffer, codepage: string): string {
  return decoderOf(codepage).decode(bytes).replace(/\0+$/, '');
}

function decoderOf(codepage: string): InstanceType<typeof TextDecoder> {
  if (codepage === 'windows-65001') return new TextDecoder();
  try {
    return new TextDecoder(codepage);
  } catch {
    // RangeError: an unknown code page
    return new TextDecoder('windows-1252');
  }
}

/** A part that contains others and cannot be opened. The text says why; it follows "an attachment". */
export class NotOpenable extends Error {}
