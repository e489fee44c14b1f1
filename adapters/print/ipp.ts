import { TemporaryError } from 'waybill/adapter';

/** Tags of RFC 8010 §3.5.1 and the groups we read. */
const TAG = { operation: 0x01, job: 0x02, end: 0x03, printer: 0x04 } as const;

/** Value tags of RFC 8010 §3.5.2 that we write. */
const SYNTAX = {
  integer: 0x21,
  enum: 0x23,
  name: 0x42,
  keyword: 0x44,
  uri: 0x45,
  charset: 0x47,
  language: 0x48,
  mediaType: 0x49,
} as const;

const NUMBERS: ReadonlySet<number> = new Set([SYNTAX.integer, SYNTAX.enum]);
const BOOLEAN = 0x22;

/** Operations of RFC 8011 §4.2. */
export const OPERATION = {
  printJob: 0x0002,
  validateJob: 0x0004,
  getJobAttributes: 0x0009,
  getJobs: 0x000a,
  getPrinterAttributes: 0x000b,
} as const;

export interface IppAttribute {
  readonly name: string;
  readonly syntax: keyof typeof SYNTAX;
  /** Several make a set. */
  readonly values: readonly (string | number)[];
}

export interface IppRequest {
  readonly operation: number;
  readonly id: number;
  readonly attributes: readonly IppAttribute[];
  readonly job?: readonly IppAttribute[];
}

/** The values of each attribute: numbers, texts and booleans; others as empty texts. */
export type IppGroup = Readonly<Record<string, readonly (string | number | boolean)[]>>;

export interface IppResponse {
  readonly status: number;
  readonly operation: IppGroup;
  /** One for each job. */
  readonly jobs: readonly IppGroup[];
  readonly printer: IppGroup;
}

/** A request without the document that may follow it (RFC 8010 §3.1), in IPP/1.1, which every printer speaks. */
export function encodeRequest({ operation, id, attributes, job = [] }: IppRequest): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x0101, 0);
  head.writeUInt16BE(operation, 2);
  head.writeUInt32BE(id, 4);
  const own: readonly IppAttribute[] = [
    { name: 'attributes-charset', syntax: 'charset', values: ['utf-8'] },
    { name: 'attributes-natural-language', syntax: 'language', values: ['en'] },
    ...attributes,
  ];
  return Buffer.concat([
    head,
    Buffer.of(TAG.operation),
    ...own.flatMap(encodeAttribute),
    ...(job.length > 0 ? [Buffer.of(TAG.job), ...job.flatMap(encodeAttribute)] : []),
    Buffer.of(TAG.end),
  ]);
}

/** The first value has the name, further ones of the set have none. */
function encodeAttribute({ name, syntax, values }: IppAttribute): Buffer[] {
  return values.map((value, at) =>
    Buffer.concat([
      Buffer.of(SYNTAX[syntax]),
      counted(Buffer.from(at === 0 ? name : '')),
      counted(valueOf(value)),
    ]),
  );
}

function valueOf(value: string | number): Buffer {
  if (typeof value === 'string') return Buffer.from(value);
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function counted(bytes: Buffer): Buffer {
  const count = Buffer.alloc(2);
  count.writeUInt16BE(bytes.length);
  return Buffer.concat([count, bytes]);
}

/** Reads a response. Throws a TemporaryError if it is none. */
export function decodeResponse(bytes: Buffer, place: string): IppResponse {
  try {
    return decoded(bytes);
  } catch (error) {
    // RangeError: it ends too early, or is something else altogether
    if (!(error instanceof RangeError)) throw error;
    throw new TemporaryError(
      `${place} does not answer in IPP. Check the address; a printer's is mostly ipp://name/ipp/print, that of CUPS ipp://name:631/printers/queue.`,
      { cause: error },
    );
  }
}

interface ReadGroup {
  readonly tag: number;
  readonly values: Map<string, (string | number | boolean)[]>;
}

function decoded(bytes: Buffer): IppResponse {
  const groups = groupsOf(bytes);
  const of = (tag: number): IppGroup[] =>
    groups.flatMap((group) => (group.tag === tag ? [Object.fromEntries(group.values)] : []));
  const [operation = {}] = of(TAG.operation);
  const [printer = {}] = of(TAG.printer);
  return { status: bytes.readUInt16BE(2), operation, jobs: of(TAG.job), printer };
}

/** Throws a RangeError where the bytes end too early. */
function groupsOf(bytes: Buffer): readonly ReadGroup[] {
  const groups: ReadGroup[] = [];
  let at = 8;
  let name = '';
  const next = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError('too short');
    at += length;
    return bytes.subarray(at - length, at);
  };
  for (let tag = next(1).readUInt8(); tag !== TAG.end; tag = next(1).readUInt8()) {
    if (tag < FIRST_VALUE) {
      groups.push({ tag, values: new Map() });
      continue;
    }
    // further values of a set have no name
    const given = next(next(2).readUInt16BE()).toString();
    if (given !== '') name = given;
    const value = plain(tag, next(next(2).readUInt16BE()));
    const values = groups.at(-1)?.values;
    values?.set(name, [...(values.get(name) ?? []), value]);
  }
  return groups;
}

/** Lower tags begin a group. */
const FIRST_VALUE = 0x10;
const FIRST_TEXT = 0x40;
const LAST_TEXT = 0x49;

function plain(tag: number, value: Buffer): string | number | boolean {
  if (NUMBERS.has(tag)) return value.readInt32BE();
  if (tag === BOOLEAN) return value[0] === 1;
  return tag >= FIRST_TEXT && tag <= LAST_TEXT ? value.toString() : '';
}

/** Status codes of RFC 8011 appendix B by their names, without the word for their class. */
const NAMES: Readonly<Record<number, string>> = {
  0x04_00: 'bad request',
  0x04_01: 'forbidden',
  0x04_02: 'not authenticated',
  0x04_03: 'not authorized',
  0x04_04: 'not possible',
  0x04_05: 'timeout',
  0x04_06: 'not found',
  0x04_07: 'gone',
  0x04_08: 'document too large',
  0x04_09: 'value too long',
  0x04_0a: 'document format not supported',
  0x04_0b: 'attributes or values not supported',
  0x04_0e: 'conflicting attributes',
  0x04_11: 'document format error',
  0x05_00: 'internal error',
  0x05_01: 'operation not supported',
  0x05_02: 'service unavailable',
  0x05_03: 'version not supported',
  0x05_04: 'device error',
  0x05_05: 'temporary error',
  0x05_06: 'not accepting jobs',
  0x05_07: 'busy',
  0x05_08: 'job canceled',
  0x05_0a: 'printer is deactivated',
};

/** As `replies` names them: E and four digits, since a number would be read as one. */
export const statusCode = (status: number): string =>
  `E${status.toString(16).toUpperCase().padStart(4, '0')}`;

export const statusName = (status: number): string =>
  NAMES[status] ?? `status ${statusCode(status)}`;

/** RFC 8011: anything below is a success, also with attributes ignored. */
export const isRefusal = (status: number): boolean => status >= 0x01_00;
