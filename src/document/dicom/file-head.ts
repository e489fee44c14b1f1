/** A DICOM file (PS3.10 7.1): 128 bytes, `DICM`, the elements of group 0002, and then the object as it goes over the wire. */

const PREAMBLE = 128;
const MARK = 'DICM';
/** What stands before the first element. */
export const PREAMBLE_LENGTH = PREAMBLE + MARK.length;
/** Values with a length of four bytes, after two that mean nothing (PS3.5 7.1.2). */
const LONG = new Set([
  'OB',
  'OW',
  'OF',
  'OD',
  'OL',
  'OV',
  'SQ',
  'UC',
  'UN',
  'UR',
  'UT',
  'SV',
  'UV',
]);
/** A head that is longer than this is none. */
export const HEAD_LIMIT = 64 * 1024;

/** What Waybill calls itself to its peers, and in the files that it writes. The root 2.25 is for UIDs made from a UUID (PS3.5 B.2). */
export const OWN_CLASS_UID = '2.25.115642331406925407168463911480371466711';
export const OWN_VERSION = 'WAYBILL';

/** As it may stand in a data set: digits and dots, at most 64 (PS3.5 9.1). */
export function isUid(text: string): boolean {
  return text.length <= 64 && /^\d+(?:\.\d+)+$/.test(text);
}

/** What the head of a file says of the object in it. */
export interface FileHead {
  readonly classUid: string;
  readonly instanceUid: string;
  readonly transferSyntax: string;
  /** Where the object begins. */
  readonly length: number;
}

/** The head of a file for an object that came over an association. */
export function fileHead(
  { classUid, instanceUid }: Pick<FileHead, 'classUid' | 'instanceUid'>,
  { transferSyntax, source }: { readonly transferSyntax: string; readonly source: string },
): Buffer {
  const elements = Buffer.concat([
    element(0x0001, 'OB', Buffer.from([0, 1])),
    element(0x0002, 'UI', uid(classUid)),
    element(0x0003, 'UI', uid(instanceUid)),
    element(0x0010, 'UI', uid(transferSyntax)),
    element(0x0012, 'UI', uid(OWN_CLASS_UID)),
    element(0x0013, 'SH', even(OWN_VERSION, ' ')),
    ...(source === '' ? [] : [element(0x0016, 'AE', even(source, ' '))]),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(elements.length);
  return Buffer.concat([
    Buffer.alloc(PREAMBLE),
    Buffer.from(MARK),
    element(0x0000, 'UL', length),
    elements,
  ]);
}

/**
 * Reads the head at the beginning of a file. The text of what is wrong follows "the body is no DICOM file
 * that can be sent: ".
 *
 * @param bytes at least `HEAD_LIMIT` of it, or all
 */
export function readFileHead(bytes: Buffer): FileHead | string {
  if (bytes.length < PREAMBLE_LENGTH) return 'it is too short';
  if (bytes.toString('latin1', PREAMBLE, PREAMBLE_LENGTH) !== MARK) {
    return 'DICM does not stand after its first 128 bytes';
  }
  const values = new Map<number, string>();
  let at = PREAMBLE_LENGTH;
  while (at + 8 <= bytes.length && bytes.readUInt16LE(at) === 0x0002) {
    const { start, end } = valueAt(bytes, at);
    if (end > Math.min(bytes.length, HEAD_LIMIT)) return 'its head (group 0002) is cut off';
    const value = bytes.toString('latin1', start, end).replace(/[\0 ]+$/, '');
    values.set(bytes.readUInt16LE(at + 2), value);
    at = end;
  }
  const textOf = (number: number): string => values.get(number) ?? '';
  const head = {
    classUid: textOf(0x0002),
    instanceUid: textOf(0x0003),
    transferSyntax: textOf(0x0010),
  };
  for (const [name, value] of Object.entries(head)) {
    if (!isUid(value)) return `its head (group 0002) has no usable ${HEAD_NAMES[name] ?? name}`;
  }
  return { ...head, length: at };
}

/** Where the value of an element lies; its end is behind the bytes where its length is cut off. */
function valueAt(bytes: Buffer, at: number): { readonly start: number; readonly end: number } {
  if (!LONG.has(bytes.toString('latin1', at + 4, at + 6))) {
    return { start: at + 8, end: at + 8 + bytes.readUInt16LE(at + 6) };
  }
  const start = at + 12;
  return { start, end: start > bytes.length ? start : start + bytes.readUInt32LE(at + 8) };
}

const HEAD_NAMES: Readonly<Record<string, string>> = {
  classUid: 'Media Storage SOP Class UID',
  instanceUid: 'Media Storage SOP Instance UID',
  transferSyntax: 'Transfer Syntax UID',
};

function element(number: number, vr: string, value: Buffer): Buffer {
  const isLong = LONG.has(vr);
  const head = Buffer.alloc(isLong ? 12 : 8);
  head.writeUInt16LE(0x0002, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4, 'latin1');
  if (isLong) head.writeUInt32LE(value.length, 8);
  else head.writeUInt16LE(value.length, 6);
  return Buffer.concat([head, value]);
}

const even = (text: string, filler: string): Buffer =>
  Buffer.from(text.length % 2 === 0 ? text : text + filler, 'latin1');
const uid = (text: string): Buffer => even(text, '\0');
