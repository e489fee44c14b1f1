/** A file of a winmail.dat. */
export interface TnefPart {
  readonly name: string;
  readonly content: Buffer;
  readonly type?: string;
  readonly contentId?: string;
  /** A mail within the mail: the content is itself a winmail.dat. */
  readonly isMail?: boolean;
}

/** Writes a winmail.dat like Outlook (MS-OXTNEF): a property for each fact, attachments with both names. */
export function tnef(
  parts: readonly TnefPart[],
  { text = '', html = '' }: { readonly text?: string; readonly html?: string } = {},
): Buffer {
  const message = [
    ...(text === '' ? [] : [unicode(0x1000, text)]),
    ...(html === '' ? [] : [binary(0x1013, Buffer.from(html, 'latin1'))]),
    named(0x8001, 'x-own', 'own'),
    severalTexts(0x1234, ['a', 'longer']),
  ];
  return Buffer.concat([
    u32(0x22_3e_9f_78),
    u16(1),
    attribute(1, 0x0008_9006, u32(0x0001_0000)),
    attribute(1, 0x0006_9007, Buffer.concat([u32(1252), u32(0)])),
    attribute(1, 0x0006_9003, properties(message)),
    ...parts.flatMap(partAttributes),
  ]);
}

function partAttributes(part: TnefPart): Buffer[] {
  const { name, content, type, contentId, isMail = false } = part;
  const held = [
    unicode(0x3707, name),
    ...(type === undefined ? [] : [unicode(0x370e, type)]),
    ...(contentId === undefined ? [] : [unicode(0x3712, contentId)]),
    ...(isMail
      ? [Buffer.concat([u16(3), u16(0x3705), u32(5)]), object(0x3701, content)]
      : [Buffer.concat([u16(3), u16(0x3705), u32(1)])]),
  ];
  return [
    attribute(2, 0x0006_9002, Buffer.alloc(14)),
    attribute(2, 0x0001_8010, Buffer.from('SHORT~1.DAT\0', 'latin1')),
    ...(isMail ? [] : [attribute(2, 0x0006_800f, content)]),
    attribute(2, 0x0006_9005, properties(held)),
  ];
}

function attribute(level: number, id: number, data: Buffer): Buffer {
  const sum = data.reduce((total, byte) => (total + byte) & 0xff_ff, 0);
  return Buffer.concat([Buffer.of(level), u32(id), u32(data.length), data, u16(sum)]);
}

const properties = (all: readonly Buffer[]): Buffer => Buffer.concat([u32(all.length), ...all]);

function unicode(id: number, text: string): Buffer {
  const value = sized(Buffer.from(`${text}\0`, 'utf16le'));
  return Buffer.concat([u16(0x1f), u16(id), u32(1), value]);
}

function binary(id: number, bytes: Buffer): Buffer {
  return Buffer.concat([u16(0x102), u16(id), u32(1), sized(bytes)]);
}

/** Preceded by the id of the interface. */
function object(id: number, bytes: Buffer): Buffer {
  const whole = Buffer.concat([Buffer.from('0b0302000000000c00000000000046aa', 'hex'), bytes]);
  return Buffer.concat([u16(0x0d), u16(id), u32(1), sized(whole)]);
}

/** A program's own property, with its name. */
function named(id: number, name: string, value: string): Buffer {
  const title = Buffer.from(`${name}\0`, 'utf16le');
  const head = [u16(0x1f), u16(id), Buffer.alloc(16, 7), u32(1), sized(title)];
  return Buffer.concat([...head, u32(1), sized(Buffer.from(`${value}\0`, 'utf16le'))]);
}

function severalTexts(id: number, values: readonly string[]): Buffer {
  const all = values.map((value) => sized(Buffer.from(`${value}\0`, 'latin1')));
  return Buffer.concat([u16(0x101e), u16(id), u32(values.length), ...all]);
}

function sized(bytes: Buffer): Buffer {
  const padding = Buffer.alloc((4 - (bytes.length % 4)) % 4);
  return Buffer.concat([u32(bytes.length), bytes, padding]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}
