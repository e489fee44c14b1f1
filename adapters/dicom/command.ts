import { ProtocolError } from './pdu.ts';

/** The commands that go over an association (PS3.7 9.3, E.1): a small data set of group 0000 in Implicit VR Little Endian. */

export const COMMAND = {
  storeRequest: 0x0001,
  storeReply: 0x8001,
  findRequest: 0x0020,
  findReply: 0x8020,
  echoRequest: 0x0030,
  echoReply: 0x8030,
  cancel: 0x0fff,
} as const;

/** Statuses of DIMSE services (PS3.7 C, PS3.4 B.2.3 and C.4.1). */
export const STATUS = {
  success: 0x0000,
  processingFailure: 0x0110,
  unknownClass: 0x0122,
  notAuthorised: 0x0124,
  unknownOperation: 0x0211,
  outOfResources: 0xa700,
  doesNotMatch: 0xa900,
  cannotUnderstand: 0xc000,
  cancelled: 0xfe00,
  pending: 0xff00,
} as const;

/** `CommandDataSetType` of a command that no data set follows. */
const NO_DATA_SET = 0x0101;

export interface Command {
  /** One of `COMMAND`. */
  readonly field: number;
  readonly messageId: number;
  readonly hasDataSet: boolean;
  /** The class and the object that it concerns. */
  readonly classUid: string;
  readonly instanceUid: string;
  /** Of a reply. */
  readonly status: number;
  /** The peer's comment on a status other than success. */
  readonly comment: string;
}

type Written = Partial<Command> & Pick<Command, 'field' | 'messageId'>;

/** Elements of a command: number, and how the value is written. */
const ELEMENTS = {
  groupLength: 0x0000,
  classUid: 0x0002,
  field: 0x0100,
  messageId: 0x0110,
  repliedTo: 0x0120,
  priority: 0x0700,
  dataSetType: 0x0800,
  status: 0x0900,
  comment: 0x0902,
  instanceUid: 0x1000,
} as const;

export function encodeCommand(command: Written): Buffer {
  const { field, messageId, hasDataSet = false, classUid, instanceUid, status = 0 } = command;
  const isReply = (field & 0x8000) !== 0;
  // a reply names its request, and so does the cancelling of one
  const namesRequest = isReply || field === COMMAND.cancel;
  const hasPriority = field === COMMAND.storeRequest || field === COMMAND.findRequest;
  const comment = command.comment?.slice(0, 64);
  const body = Buffer.concat([
    ...textElement(ELEMENTS.classUid, classUid, '\0'),
    element(ELEMENTS.field, uint16(field)),
    element(namesRequest ? ELEMENTS.repliedTo : ELEMENTS.messageId, uint16(messageId)),
    ...(hasPriority ? [element(ELEMENTS.priority, uint16(0))] : []),
    element(ELEMENTS.dataSetType, uint16(hasDataSet ? 1 : NO_DATA_SET)),
    ...(isReply ? [element(ELEMENTS.status, uint16(status))] : []),
    ...textElement(ELEMENTS.comment, comment, ' '),
    ...textElement(ELEMENTS.instanceUid, instanceUid, '\0'),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([element(ELEMENTS.groupLength, length), body]);
}

/** Throws ProtocolError if the bytes are not a command. */
export function decodeCommand(bytes: Buffer): Command {
  const values = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    if (at + 8 > bytes.length) throw new ProtocolError('a command is cut off');
    const end = at + 8 + bytes.readUInt32LE(at + 4);
    if (bytes.readUInt16LE(at) !== 0 || end > bytes.length) {
      throw new ProtocolError('a command cannot be read');
    }
    values.set(bytes.readUInt16LE(at + 2), bytes.subarray(at + 8, end));
    at = end;
  }
  const number = (name: number): number => {
    const value = values.get(name);
    return value !== undefined && value.length >= 2 ? value.readUInt16LE(0) : 0;
  };
  const text = (name: number): string =>
    (values.get(name) ?? Buffer.alloc(0)).toString('latin1').replace(/[\0 ]+$/, '');
  const field = number(ELEMENTS.field);
  return {
    field,
    messageId: number((field & 0x8000) !== 0 ? ELEMENTS.repliedTo : ELEMENTS.messageId),
    hasDataSet: number(ELEMENTS.dataSetType) !== NO_DATA_SET,
    classUid: text(ELEMENTS.classUid),
    instanceUid: text(ELEMENTS.instanceUid),
    status: number(ELEMENTS.status),
    comment: text(ELEMENTS.comment),
  };
}

function element(number: number, value: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(number, 2);
  head.writeUInt32LE(value.length, 4);
  return Buffer.concat([head, value]);
}

/** Filled up to an even length (PS3.5 7.1.1); none where there is no text. */
function textElement(number: number, text: string | undefined, filler: string): Buffer[] {
  if (text === undefined || text === '') return [];
  return [element(number, Buffer.from(text.length % 2 === 0 ? text : text + filler, 'latin1'))];
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

/** Whether more results of a query follow (PS3.4 C.4.1.1.4): FF01 says that some optional keys were not looked at. */
export const isPending = (status: number): boolean => status === 0xff00 || status === 0xff01;

/** As people and the rules for replies write it: `A700`. */
export function statusText(status: number): string {
  return status.toString(16).toUpperCase().padStart(4, '0');
}
