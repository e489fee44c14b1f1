import { fhirDate } from '../v2/times.ts';

const YEAR = '(?:[1-9]\\d{3}|0\\d{2}[1-9]|0\\d[1-9]0|0[1-9]00)';
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d:(?:[0-5]\\d|60)(?:\\.\\d+)?';
const ZONE = '(?:Z|[+-](?:(?:0\\d|1[0-3]):[0-5]\\d|14:00))';

/** How text of a primitive type looks, by the specification. */
const TEXTS: Readonly<Record<string, RegExp>> = {
  base64Binary: /^(?:\s*(?:[\dA-Za-z+/=]){4}\s*)+$/,
  canonical: /^\S*$/,
  code: /^[^\s]+(?:\s[^\s]+)*$/,
  date: new RegExp(`^${YEAR}(?:-\\d\\d(?:-\\d\\d)?)?$`),
  dateTime: new RegExp(`^${YEAR}(?:-\\d\\d(?:-\\d\\d(?:T${TIME}${ZONE})?)?)?$`),
  id: /^[A-Za-z\d\-.]{1,64}$/,
  instant: new RegExp(`^${YEAR}-\\d\\d-\\d\\dT${TIME}${ZONE}$`),
  markdown: /\S/,
  oid: /^urn:oid:[0-2](?:\.(?:0|[1-9]\d*))+$/,
  string: /\S/,
  time: new RegExp(`^${TIME}$`),
  uri: /^\S*$/,
  url: /^\S*$/,
  uuid: /^urn:uuid:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/,
  xhtml: /^\s*<div[\s>]/,
};

const DATES = new Set(['date', 'dateTime', 'instant']);
const NUMBERS: Readonly<Record<string, (value: number) => boolean>> = {
  decimal: Number.isFinite,
  integer: (value) => Number.isInteger(value) && Math.abs(value) <= 2_147_483_648,
  positiveInt: (value) => Number.isInteger(value) && value > 0 && value <= 2_147_483_647,
  unsignedInt: (value) => Number.isInteger(value) && value >= 0 && value <= 2_147_483_647,
};

/** Whether a JSON value is one of the primitive type. Base64 is only looked at while it is short: it may be a document. */
export function isPrimitive(type: string, value: unknown): boolean {
  if (type === 'boolean') return typeof value === 'boolean';
  const number = NUMBERS[type];
  if (number !== undefined) return typeof value === 'number' && number(value);
  if (typeof value !== 'string' || value === '') return false;
  const long = type === 'base64Binary' && value.length > 10_000;
  if (!long && TEXTS[type]?.test(value) === false) return false;
  return !DATES.has(type) || isDay(value);
}

/** The 30th of February looks like a date. */
function isDay(value: string): boolean {
  const digits = value.slice(0, 10).replaceAll('-', '');
  return fhirDate(digits) !== undefined;
}
