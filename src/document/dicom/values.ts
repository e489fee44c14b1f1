import { EngineError } from '../../error/engine-error.ts';
import { type Charset, charsetNamed, LATIN1, UTF8 } from '../charset.ts';
import { type Attribute, type DataSet, evenly, hex } from './data-set.ts';
import { ALL, type DicomPath, type DicomStep } from './dicom-path.ts';

/** Types whose values are one text, in which `\` separates nothing (PS3.5 6.2). */
const ONE_TEXT = new Set(['LT', 'ST', 'UT', 'UR']);
/** Types that Specific Character Set applies to; the others are ASCII. */
const IN_CHARSET = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);
const TEXT = new Set([...IN_CHARSET, 'AE', 'AS', 'CS', 'DA', 'DS', 'DT', 'IS', 'TM', 'UI', 'UR']);

interface NumberForm {
  readonly size: number;
  readonly read: (bytes: Buffer, at: number) => number | bigint;
  readonly write: (bytes: Buffer, at: number, value: string) => void;
}

const NUMBERS: Readonly<Record<string, NumberForm>> = {
  US: {
    size: 2,
    read: (b, at) => b.readUInt16LE(at),
    write: (b, at, v) => b.writeUInt16LE(whole(v), at),
  },
  SS: {
    size: 2,
    read: (b, at) => b.readInt16LE(at),
    write: (b, at, v) => b.writeInt16LE(whole(v), at),
  },
  UL: {
    size: 4,
    read: (b, at) => b.readUInt32LE(at),
    write: (b, at, v) => b.writeUInt32LE(whole(v), at),
  },
  SL: {
    size: 4,
    read: (b, at) => b.readInt32LE(at),
    write: (b, at, v) => b.writeInt32LE(whole(v), at),
  },
  UV: {
    size: 8,
    read: (b, at) => b.readBigUInt64LE(at),
    write: (b, at, v) => b.writeBigUInt64LE(BigInt(v), at),
  },
  SV: {
    size: 8,
    read: (b, at) => b.readBigInt64LE(at),
    write: (b, at, v) => b.writeBigInt64LE(BigInt(v), at),
  },
  FL: {
    size: 4,
    read: (b, at) => shortest(b.readFloatLE(at)),
    write: (b, at, v) => b.writeFloatLE(real(v), at),
  },
  FD: {
    size: 8,
    read: (b, at) => b.readDoubleLE(at),
    write: (b, at, v) => b.writeDoubleLE(real(v), at),
  },
};

/** The values of an attribute as text; none for bytes. */
export function valuesOf(
  { vr, value }: Pick<Attribute, 'vr' | 'value'>,
  charset: Charset,
): string[] {
  if (TEXT.has(vr)) return textsOf(vr, value, charset);
  if (vr === 'AT') {
    return numbersIn(
      value,
      4,
      (at) => hex(value.readUInt16LE(at)) + hex(value.readUInt16LE(at + 2)),
    );
  }
  const form = NUMBERS[vr];
  return form === undefined
    ? []
    : numbersIn(value, form.size, (at) => String(form.read(value, at)));
}

function textsOf(vr: string, value: Buffer, charset: Charset): string[] {
  const text = (IN_CHARSET.has(vr) ? charset : LATIN1).decode(value).replace(/[\0 ]+$/, '');
  if (text === '') return [];
  if (ONE_TEXT.has(vr)) return [text];
  return text.split('\\').map((one) => one.replace(/^ +|[\0 ]+$/g, ''));
}

function numbersIn(value: Buffer, size: number, read: (at: number) => string): string[] {
  return Array.from({ length: Math.floor(value.length / size) }, (_, n) => read(n * size));
}

/** Values as bytes of an even length. Throws MESSAGE_INVALID where they do not fit the type. */
export function bytesOf(
  vr: string,
  values: readonly string[],
  charset: Charset,
  path: string,
): Buffer {
  const form = NUMBERS[vr];
  if (form !== undefined) return numberBytes(values, form, { vr, path });
  if (!TEXT.has(vr)) {
    throw invalid(path, `values of the type ${vr} are bytes, and cannot be written as text`);
  }
  const own = IN_CHARSET.has(vr) ? charset : LATIN1;
  const text = values.join('\\');
  if (!own.canEncode(text)) {
    const remedy = 'Set SpecificCharacterSet to ISO_IR 192 before it.';
    throw invalid(path, `the value has characters that ${own.name} cannot write. ${remedy}`);
  }
  return evenly(vr, own.encode(text));
}

function numberBytes(
  values: readonly string[],
  { size, write }: NumberForm,
  { vr, path }: { readonly vr: string; readonly path: string },
): Buffer {
  const bytes = Buffer.alloc(size * values.length);
  try {
    for (const [n, value] of values.entries()) write(bytes, n * size, value);
  } catch {
    // RangeError and SyntaxError of numbers that are none, or too large
    throw invalid(path, `the value is no number of the type ${vr}`);
  }
  return bytes;
}

/** The least digits that mean this number of 32 bits. */
function shortest(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return rounded;
  }
  return value;
}

function whole(text: string): number {
  if (!/^ *[+-]?\d+ *$/.test(text)) throw new RangeError('no whole number');
  return Number(text);
}

function real(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isNaN(value)) throw new RangeError('no number');
  return value;
}

function invalid(path: string, why: string): EngineError {
  return new EngineError('MESSAGE_INVALID', `${path}: ${why}`);
}

/** Defined terms of Specific Character Set (PS3.3 C.12.1.1.2). Of several, which are switched by escapes, the last is read. */
const CHARSETS: Readonly<Record<string, string>> = {
  'ISO_IR 100': 'iso-8859-1',
  'ISO_IR 101': 'iso-8859-2',
  'ISO_IR 109': 'iso-8859-3',
  'ISO_IR 110': 'iso-8859-4',
  'ISO_IR 144': 'iso-8859-5',
  'ISO_IR 127': 'iso-8859-6',
  'ISO_IR 126': 'iso-8859-7',
  'ISO_IR 138': 'iso-8859-8',
  'ISO_IR 148': 'iso-8859-9',
  'ISO_IR 203': 'iso-8859-15',
  'ISO_IR 166': 'tis-620',
  'ISO_IR 13': 'shift_jis',
  GB18030: 'gb18030',
  GBK: 'gbk',
};

/** What a data set is written in, by its Specific Character Set; ISO 8859-1 where that says nothing that is known. */
export function charsetOf(specific: readonly string[]): Charset {
  const term = specific.findLast((one) => one !== '')?.replace(/^ISO 2022 IR /, 'ISO_IR ') ?? '';
  if (term === 'ISO_IR 192') return UTF8;
  return charsetNamed(CHARSETS[term]) ?? LATIN1;
}

/** The values of an attribute once one is set, or all of them. */
export function withValue(
  values: readonly string[],
  {
    last,
    compiled,
    value,
  }: {
    readonly last: DicomStep;
    readonly compiled: DicomPath;
    readonly value: string;
  },
): readonly string[] {
  const { text, component } = compiled;
  const at = Math.max(1, last.index);
  if (last.index > values.length + 1) throw gap(text, values.length);
  const written = component === 0 ? value : withComponent(values[at - 1] ?? '', component, value);
  if (last.index > 0 || component > 0) return values.toSpliced(at - 1, 1, written);
  return last.index === ALL ? values.map(() => written) : [written];
}

/** The first group of a name is that in letters; others, behind `=`, are ideographic and phonetic. */
export function componentOf(name: string, component: number): string {
  return (name.split('=')[0] ?? '').split('^')[component - 1] ?? '';
}

function withComponent(name: string, component: number, value: string): string {
  const [letters = '', ...others] = name.split('=');
  const parts = letters.split('^');
  while (parts.length < component) parts.push('');
  parts[component - 1] = value;
  return [parts.join('^').replace(/\^+$/, ''), ...others].join('=');
}

/** Refuses a place with others missing before it. */
export function gap(text: string, count: number): EngineError {
  return new EngineError(
    'PATH_INVALID',
    `${text}: there are only ${count}, and the next would be ${count + 1}`,
  );
}

/** Attributes stand in the order of their numbers. */
export function insert({ attributes }: DataSet, attribute: Attribute): void {
  const at = attributes.findIndex(({ tag }) => tag > attribute.tag);
  attributes.splice(at < 0 ? attributes.length : at, 0, attribute);
}
