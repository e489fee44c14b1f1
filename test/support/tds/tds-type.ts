import type { TdsReader } from './tds-reader.ts';
import type { TdsWriter } from './tds-writer.ts';

/** SQL_Latin1_General_CP1_CI_AS */
export const COLLATION = Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x34]);
const MAX = 0xffff;
const NULL = 0xffff;

/** A type as declared in a table: `DECIMAL(30,10)`. */
interface Declared {
  readonly sizes: readonly number[];
}

/** How values of a type are sent; they have SQLite's types. */
export interface TdsType {
  info(writer: TdsWriter): void;
  value(writer: TdsWriter, value: unknown): void;
}

const DAY = 86_400_000;
const daysSince1 = (day: string): number =>
  Date.parse(`${day.slice(0, 10)}T00:00:00Z`) / DAY + 719_162;
/** How many bytes a time with this many fractional digits has. */
const timeSize = (scale: number): number => (scale <= 2 ? 3 : scale <= 4 ? 4 : 5);

function little(value: bigint, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at++) bytes[at] = Number((value >> BigInt(8 * at)) & 0xffn);
  return bytes;
}

/** The fractions of a second since midnight, for `…T12:00:00.123`. */
function partsOf(text: string, scale: number): bigint {
  const [, hours = '0', minutes = '0', seconds = '0', rest = ''] =
    /(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?/.exec(text) ?? [];
  const whole = BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds);
  return whole * 10n ** BigInt(scale) + BigInt(rest.slice(0, scale).padEnd(scale, '0') || '0');
}

/** A number with this many decimal digits, as an integer. */
function scaled(text: string, scale: number): bigint {
  const [whole = '0', rest = ''] = text.replace('-', '').split('.');
  const value = BigInt(whole + rest.slice(0, scale).padEnd(scale, '0'));
  return text.startsWith('-') ? -value : value;
}

const integer = (size: number): TdsType => ({
  info: (writer) => writer.byte(0x26, size),
  value: (writer, value) => writer.byte(size).raw(little(BigInt(value as number), size)),
});
const bit: TdsType = {
  info: (writer) => writer.byte(0x68, 1),
  value: (writer, value) => writer.byte(1, Number(value)),
};
const float: TdsType = {
  info: (writer) => writer.byte(0x6d, 8),
  value(writer, value) {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(Number(value));
    writer.byte(8).raw(bytes);
  },
};
const decimal = (precision: number, scale: number): TdsType => ({
  info: (writer) => writer.byte(0x6a, 17, precision, scale),
  value(writer, value) {
    const number = scaled(String(value), scale);
    const size = number < 2n ** 32n && number > -(2n ** 32n) ? 4 : 16;
    writer.byte(size + 1, number < 0n ? 0 : 1).raw(little(number < 0n ? -number : number, size));
  },
});
const money: TdsType = {
  info: (writer) => writer.byte(0x6e, 8),
  value(writer, value) {
    const number = scaled(String(value), 4);
    writer
      .byte(8)
      .int(Number(number >> 32n))
      .int(Number(BigInt.asIntN(32, number)));
  },
};
const date: TdsType = {
  info: (writer) => writer.byte(0x28),
  value: (writer, value) => writer.byte(3).raw(little(BigInt(daysSince1(String(value))), 3)),
};
const dateTime: TdsType = {
  info: (writer) => writer.byte(0x6f, 8),
  value(writer, value) {
    const ticks = Math.round((Number(partsOf(String(value), 3)) * 3) / 10);
    writer
      .byte(8)
      .int(daysSince1(String(value)) - 693_595)
      .int(ticks);
  },
};
const dateTime2 = (scale: number): TdsType => ({
  info: (writer) => writer.byte(0x2a, scale),
  value(writer, value) {
    const size = timeSize(scale);
    writer.byte(size + 3).raw(little(partsOf(String(value), scale), size));
    writer.raw(little(BigInt(daysSince1(String(value))), 3));
  },
});
const dateTimeOffset = (scale: number): TdsType => ({
  info: (writer) => writer.byte(0x2b, scale),
  value(writer, value) {
    const moment = String(value);
    const utc = new Date(moment).toISOString();
    const rest = /\.(\d+)/.exec(moment)?.[1] ?? '';
    const exact = `${utc.slice(0, 19)}.${rest}`;
    const size = timeSize(scale);
    const [, sign = '+', hours = '0', minutes = '0'] = /([+-])(\d{2}):(\d{2})$/.exec(moment) ?? [];
    const zone = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
    writer.byte(size + 5).raw(little(partsOf(exact, scale), size));
    writer.raw(little(BigInt(daysSince1(utc)), 3)).short(zone & 0xffff);
  },
});

/** In pieces with their lengths, if it may be longer than 8000 bytes. */
function pieces(writer: TdsWriter, bytes: Buffer): void {
  writer.long(BigInt(bytes.length));
  for (let at = 0; at < bytes.length; at += 3_000) {
    const piece = bytes.subarray(at, at + 3_000);
    writer.int(piece.length).raw(piece);
  }
  writer.int(0);
}

const text = (length: number): TdsType => ({
  info: (writer) =>
    writer
      .byte(0xe7)
      .short(length === MAX ? MAX : length * 2)
      .raw(COLLATION),
  value(writer, value) {
    const bytes = Buffer.from(String(value), 'ucs2');
    if (length === MAX) pieces(writer, bytes);
    else writer.short(bytes.length).raw(bytes);
  },
});
const binary = (length: number): TdsType => ({
  info: (writer) => writer.byte(0xa5).short(length),
  value(writer, value) {
    const bytes = Buffer.from(value as Uint8Array);
    if (length === MAX) pieces(writer, bytes);
    else writer.short(bytes.length).raw(bytes);
  },
});

const TYPES: Readonly<Record<string, (declared: Declared) => TdsType>> = {
  INT: () => integer(4),
  INTEGER: () => integer(8),
  BIGINT: () => integer(8),
  BIT: () => bit,
  FLOAT: () => float,
  DECIMALTEXT: ({ sizes: [precision = 18, scale = 0] }) => decimal(precision, scale),
  MONEYTEXT: () => money,
  DATE: () => date,
  DATETIME: () => dateTime,
  DATETIME2: ({ sizes: [scale = 7] }) => dateTime2(scale),
  DATETIMEOFFSET: ({ sizes: [scale = 7] }) => dateTimeOffset(scale),
  VARBINARY: ({ sizes: [length = 1] }) => binary(length),
  VARBINARYMAX: () => binary(MAX),
  VARCHAR: ({ sizes: [length = 1] }) => text(length),
  NVARCHAR: ({ sizes: [length = 1] }) => text(length),
  NVARCHARMAX: () => text(MAX),
};

/** By the type of the column, or of its first value if it is an expression. */
export function typeOf(declared: string | null, sample: unknown): TdsType {
  const [, name = '', size = ''] =
    /^(\w+)(?:\(([^)]*)\))?/.exec(declared?.toUpperCase() ?? '') ?? [];
  const known = TYPES[name];
  if (known !== undefined) {
    return known({ sizes: size.split(',').map(Number) });
  }
  if (typeof sample === 'bigint') return integer(8);
  if (typeof sample === 'number') return float;
  return sample instanceof Uint8Array ? binary(8_000) : text(MAX);
}

/** The value of a parameter, with its type before it. */
export function readParameter(reader: TdsReader): string | number | bigint | Uint8Array | null {
  const type = reader.byte();
  const read = READERS[type];
  if (read === undefined) throw new Error(`a parameter of the type ${type}`);
  return read(reader);
}

const READERS: Readonly<
  Record<number, (reader: TdsReader) => string | number | bigint | Uint8Array | null>
> = {
  0x26(reader) {
    reader.byte();
    const size = reader.byte();
    if (size === 0) return null;
    return size === 8 ? reader.long() : BigInt(reader.raw(size).readIntLE(0, size));
  },
  0x68(reader) {
    reader.byte();
    return reader.byte() === 0 ? null : BigInt(reader.byte());
  },
  0x6d(reader) {
    reader.byte();
    return reader.byte() === 0 ? null : reader.raw(8).readDoubleLE();
  },
  0xa5(reader) {
    const longest = reader.short();
    return longest === MAX ? joined(reader) : shortBytes(reader);
  },
  0xe7(reader) {
    const longest = reader.short();
    reader.raw(COLLATION.length);
    const bytes = longest === MAX ? joined(reader) : shortBytes(reader);
    return bytes?.toString('ucs2') ?? null;
  },
};

function shortBytes(reader: TdsReader): Buffer | null {
  const length = reader.short();
  return length === NULL ? null : reader.raw(length);
}

function joined(reader: TdsReader): Buffer | null {
  if (reader.long() === -1n) return null;
  const parts: Buffer[] = [];
  for (let length = reader.int(); length > 0; length = reader.int()) parts.push(reader.raw(length));
  return Buffer.concat(parts);
}
