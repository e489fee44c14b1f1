/** Numbers of Oracle's types. */
export const TYPE = {
  varchar: 1,
  number: 2,
  long: 8,
  date: 12,
  raw: 23,
  longRaw: 24,
  binaryDouble: 101,
  clob: 112,
  timestamp: 180,
  timestampTz: 181,
  boolean: 252,
} as const;

/** What a column or variable is, as it is described on the wire. */
export interface Described {
  readonly type: number;
  readonly precision: number;
  readonly scale: number;
  readonly size: number;
}

const plain = (type: number, size: number): Described => ({ type, precision: 0, scale: 0, size });

const WHOLE: Described = { type: TYPE.number, precision: 38, scale: 0, size: 22 };
const TEXT = plain(TYPE.varchar, 4_000);
const BYTES = plain(TYPE.raw, 2_000);

/** By how the declared type begins; the first that fits. */
const DECLARED: readonly (readonly [RegExp, Described])[] = [
  [/^(?:BIG)?INT/, WHOLE],
  [/^BOOLEAN/, plain(TYPE.boolean, 4)],
  [/^BINARYDOUBLE/, plain(TYPE.binaryDouble, 8)],
  [/^TIMESTAMPTZ/, plain(TYPE.timestampTz, 13)],
  [/^TIMESTAMP/, plain(TYPE.timestamp, 11)],
  [/^DATE/, plain(TYPE.date, 7)],
  [/^RAW/, BYTES],
  [/./, TEXT],
];

/** By the type that the table declares; what SQLite does not know of an expression is told by a value. */
export function describedAs(declared: string | null, sample: unknown): Described {
  const type = (declared ?? '').toUpperCase();
  if (/^(?:NUM|DEC)/.test(type)) return decimal(type);
  const known = DECLARED.find(([pattern]) => pattern.test(type))?.[1];
  return known ?? ofValue(sample);
}

/** Without a precision the scale is told as -127. */
function decimal(type: string): Described {
  const [, precision, scale = '0'] = /\((\d+)(?:,\s*(\d+))?\)/.exec(type) ?? [];
  return precision === undefined
    ? { ...WHOLE, precision: 0, scale: -127 }
    : { ...WHOLE, precision: Number(precision), scale: Number(scale) };
}

function ofValue(sample: unknown): Described {
  if (typeof sample === 'bigint') return WHOLE;
  if (typeof sample === 'number') return plain(TYPE.binaryDouble, 8);
  return sample instanceof Uint8Array ? BYTES : TEXT;
}

/** A value of SQLite as the type's bytes. */
export function bytesOf(value: unknown, type: number): Buffer | null {
  if (value === null || value === undefined || value === '') return null;
  switch (type) {
    case TYPE.number:
      return numberBytes(`${value as string | number}`);
    case TYPE.boolean:
      return Buffer.from([1, Number(value)]);
    case TYPE.binaryDouble:
      return doubleBytes(Number(value));
    case TYPE.date:
      return timeBytes(`${value as string | number}`).subarray(0, 7);
    case TYPE.timestamp:
      return timeBytes(`${value as string | number}`);
    case TYPE.timestampTz:
      // the zone, of hours and minutes more 20 and 60: here always UTC
      return Buffer.concat([timeBytes(`${value as string | number}`), Buffer.from([20, 60])]);
    default:
      return value instanceof Uint8Array
        ? Buffer.from(value)
        : Buffer.from(`${value as string | number}`);
  }
}

/** A bound value as SQLite takes it: a number exactly, as a text if it is no whole one. */
export function boundValue(
  bytes: Buffer | null,
  type: number,
): string | bigint | number | Buffer | null {
  if (bytes === null) return null;
  if (type === TYPE.number) {
    const text = numberText(bytes);
    return /^-?\d+$/.test(text) ? BigInt(text) : Number(text);
  }
  if (type === TYPE.raw || type === TYPE.longRaw) return Buffer.from(bytes);
  return bytes.toString();
}

/** Oracle's NUMBER: an exponent of 100, then digits of 100, each one more; of a negative one the complement to 101. */
function numberBytes(text: string): Buffer {
  const [, sign = '', whole = '0', part = ''] = /^(-?)(\d*)(?:\.(\d*))?$/.exec(text) ?? [];
  const digits = whole.length % 2 === 1 ? `0${whole}` : whole;
  const padded = digits + (part.length % 2 === 1 ? `${part}0` : part);
  const pairs = (padded.match(/../g) ?? []).map(Number);
  let exponent = digits.length / 2 - 1;
  while (pairs[0] === 0) {
    pairs.shift();
    exponent -= 1;
  }
  while (pairs.at(-1) === 0) pairs.pop();
  if (pairs.length === 0) return Buffer.from([128]);
  return sign === ''
    ? Buffer.from([193 + exponent, ...pairs.map((pair) => pair + 1)])
    : Buffer.from([~(193 + exponent) & 0xff, ...pairs.map((pair) => 101 - pair), 102]);
}

function numberText(bytes: Buffer): string {
  const [first = 128, ...rest] = bytes;
  if (rest.length === 0) return '0';
  const isPositive = (first & 0x80) !== 0;
  const exponent = (isPositive ? first : ~first & 0xff) - 193;
  const pairs = (isPositive ? rest : rest.filter((one) => one !== 102)).map((one) =>
    isPositive ? one - 1 : 101 - one,
  );
  const digits = pairs.map((pair) => String(pair).padStart(2, '0')).join('');
  const point = (exponent + 1) * 2;
  const padded =
    point > digits.length
      ? digits.padEnd(point, '0')
      : digits.padStart(digits.length - Math.min(0, point), '0');
  const at = Math.max(0, point);
  const whole = padded.slice(0, at).replace(/^0+(?=\d)/, '') || '0';
  const part = padded.slice(at).replace(/0+$/, '');
  return `${isPositive ? '' : '-'}${whole}${part === '' ? '' : `.${part}`}`;
}

/** So that the bytes sort like the numbers. */
function doubleBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  if ((bytes[0] ?? 0) & 0x80) return Buffer.from(bytes.map((byte) => ~byte));
  bytes[0] = (bytes[0] ?? 0) | 0x80;
  return bytes;
}

function timeBytes(text: string): Buffer {
  const [, date = '1970-01-01', time = '00:00:00', part = '', zone = ''] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?)?\s*(Z|[+-]\d\d:\d\d)?$/.exec(text) ??
    [];
  const moment = new Date(`${date}T${time}${zone === '' ? 'Z' : zone}`);
  const bytes = Buffer.alloc(11);
  const year = moment.getUTCFullYear();
  bytes.set([
    Math.floor(year / 100) + 100,
    (year % 100) + 100,
    moment.getUTCMonth() + 1,
    moment.getUTCDate(),
    moment.getUTCHours() + 1,
    moment.getUTCMinutes() + 1,
    moment.getUTCSeconds() + 1,
  ]);
  bytes.writeUInt32BE(Number(part.padEnd(9, '0').slice(0, 9)), 7);
  return bytes;
}
