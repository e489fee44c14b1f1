import type { RecordField, RecordValue } from './record-map.ts';

/** Why a value does not fit its field; the text never quotes it. */
export class FieldFault extends Error {
  override readonly name = 'FieldFault';
}

/** Parses the value of a field in a record. */
export function readValue(field: RecordField, written: string): RecordValue {
  const text = unpadded(field, written);
  if (text === '') {
    if (field.required) throw new FieldFault('is required, but empty');
    return null;
  }
  if (field.type === 'integer') return integer(text);
  if (field.type === 'decimal') return decimal(text, field.decimals);
  return field.type === 'date' ? readDate(text, field.format) : text;
}

/** Formats a value for a record, padded to its width. */
export function writeValue(field: RecordField, value: string): string {
  const text = value === '' ? '' : plain(field, value);
  if (text === '' && field.required) throw new FieldFault('is required, but has no value');
  if (field.width === 0) return text;
  const length = Array.from(text).length;
  if (length > field.width) {
    throw new FieldFault(`has ${length} characters, but only ${field.width} fit`);
  }
  // a missing number is not zero
  const pad = (text === '' ? ' ' : field.pad).repeat(field.width - length);
  return field.align === 'right' ? pad + text : text + pad;
}

function unpadded({ width, pad, align, type }: RecordField, written: string): string {
  if (width === 0) return type === 'text' ? written : written.trim();
  const text = written.trim();
  if (pad === ' ' || text === '') return text;
  let [from, to] = [0, text.length];
  if (align === 'right') while (from < to - 1 && text[from] === pad) from++;
  else while (to > from && text[to - 1] === pad) to--;
  return text.slice(from, to);
}

function plain({ type, format, decimals }: RecordField, value: string): string {
  if (type === 'integer') return String(integer(value));
  if (type === 'date') return writeDate(value, format);
  if (type === 'text') return value;
  const number = decimal(value, undefined);
  return decimals === undefined ? value : number.toFixed(decimals).replace('.', '');
}

function integer(text: string): number {
  const value = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) throw new FieldFault('is not a whole number of up to 15 digits');
  return value;
}

function decimal(text: string, decimals: number | undefined): number {
  const wanted = decimals === undefined ? /^[+-]?\d{1,15}(?:[.,]\d{1,15})?$/ : /^[+-]?\d{1,15}$/;
  if (!wanted.test(text)) throw new FieldFault('is not a number');
  const value = Number(text.replace(',', '.'));
  return decimals === undefined ? value : Number((value / 10 ** decimals).toFixed(decimals));
}

const PARTS = ['yyyy', 'MM', 'dd', 'HH', 'mm', 'ss'] as const;
type Part = (typeof PARTS)[number];
const PART = /yyyy|MM|dd|HH|mm|ss/g;

/** The fault in the format of a date; undefined if there is none. */
export function dateFormatProblem(format: string): string | undefined {
  const parts: readonly string[] = format.match(PART) ?? [];
  const known = ['yyyy', 'MM', 'dd'].every((part) => parts.includes(part));
  const once = new Set(parts).size === parts.length;
  const others = format.replaceAll(PART, '');
  return known && once && !/[A-Za-z\d]/.test(others)
    ? undefined
    : 'the format of a date must have yyyy, MM and dd, and may have HH, mm and ss, such as dd.MM.yyyy';
}

function dateParts(text: string, format: string): Map<Part, string> | undefined {
  const order = format.match(PART) as Part[];
  const source = format
    .replaceAll(/[.*+?^$()|[\]\\/{}]/g, String.raw`\$&`)
    .replaceAll(PART, (part) => `(\\d{${part.length}})`);
  const found = new RegExp(`^${source}$`).exec(text);
  return found === null ? undefined : new Map(order.map((part, at) => [part, found[at + 1] ?? '']));
}

const ISO_DATE = 'yyyy-MM-dd';
const ISO_TIME = 'yyyy-MM-ddTHH:mm:ss';
const hasTime = (format: string): boolean => /HH|mm|ss/.test(format);

/** As 2026-01-31, or with a time as 2026-01-31T15:30:00. */
function readDate(text: string, format: string): string {
  const parts = dateParts(text, format);
  const written = parts === undefined ? undefined : isoOf(parts, hasTime(format));
  if (written === undefined) throw new FieldFault(`is not a date of the form ${format}`);
  return written;
}

function isoOf(parts: ReadonlyMap<Part, string>, timed: boolean): string | undefined {
  const of = (part: Part): string => parts.get(part) ?? '00';
  const date = `${of('yyyy')}-${of('MM')}-${of('dd')}`;
  const time = `${of('HH')}:${of('mm')}:${of('ss')}`;
  const moment = new Date(`${date}T${time}Z`);
  // the 31st of a short month would become a day of the next
  const same =
    !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(`${date}T${time}`);
  if (!same) return undefined;
  return timed ? `${date}T${time}` : date;
}

function writeDate(value: string, format: string): string {
  const parts = dateParts(value, ISO_DATE) ?? dateParts(value.slice(0, 19), ISO_TIME);
  if (parts === undefined || isoOf(parts, true) === undefined) {
    throw new FieldFault('is not a date such as 2026-01-31 or 2026-01-31T15:30:00');
  }
  return format.replaceAll(PART, (part) => parts.get(part as Part) ?? '00');
}
