import { type Attribute, attributeOf, type Encoding, LONG, writeDataSet } from './data-set.ts';

/** A DICOM file (PS3.10 7.1): 128 bytes, `DICM`, the elements of group 0002, and then the object as it goes over the wire. */

const PREAMBLE = 128;
const MARK = 'DICM';
/** The bytes before the first element. */
export const PREAMBLE_LENGTH = PREAMBLE + MARK.length;
export const HEAD_ENCODING: Encoding = { explicit: true };
/** The element that says how long the head is. */
export const HEAD_LENGTH = '00020000';
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
  const attributes = [
    attributeOf('00020001', 'OB', Buffer.from([0, 1])),
    attributeOf('00020002', 'UI', classUid),
    attributeOf('00020003', 'UI', instanceUid),
    attributeOf('00020010', 'UI', transferSyntax),
    attributeOf('00020012', 'UI', OWN_CLASS_UID),
    attributeOf('00020013', 'SH', OWN_VERSION),
    ...(source === '' ? [] : [attributeOf('00020016', 'AE', source)]),
  ];
  return Buffer.concat([Buffer.alloc(PREAMBLE), Buffer.from(MARK), headElements(attributes)]);
}

/** The elements of group 0002, with their length before them. They are always in Explicit VR Little Endian. */
export function headElements(attributes: readonly Attribute[]): Buffer {
  const elements = writeDataSet({ attributes: [...attributes] }, HEAD_ENCODING);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(elements.length);
  const counted = [attributeOf(HEAD_LENGTH, 'UL', length)];
  return Buffer.concat([writeDataSet({ attributes: counted }, HEAD_ENCODING), elements]);
}

/** Where the object begins in a file that Waybill wrote, whose head says its length first. */
export const objectStart = (file: Uint8Array): number =>
  PREAMBLE_LENGTH +
  12 +
  new DataView(file.buffer, file.byteOffset).getUint32(PREAMBLE_LENGTH + 8, true);

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
