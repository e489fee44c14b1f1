/** Dates by the patterns of Java's SimpleDateFormat, in a time zone. */

interface Parts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

function partsIn(date: Date, zone: string | undefined): Parts {
  const format = new Intl.DateTimeFormat('en-US', {
    ...(zone !== undefined && { timeZone: zone }),
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const found = Object.fromEntries(
    format.formatToParts(date).map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = found;
  return { year, month, day, hour, minute, second };
}

/** Milliseconds by which the zone's clock is ahead of UTC. */
function offsetOf(date: Date, zone: string | undefined): number {
  const { year, month, day, hour, minute, second } = partsIn(date, zone);
  const asUtc = Date.UTC(year, month - 1, day, hour, minute, second);
  return asUtc - Math.floor(date.getTime() / 1_000) * 1_000;
}

/** Runs of a letter, quoted texts, and anything else. */
const TOKEN = /'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+/g;

const name = (date: Date, zone: string | undefined, option: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat('en-US', {
    ...option,
    ...(zone !== undefined && { timeZone: zone }),
  }).format(date);

export function formatDate(pattern: string, date: Date, zone?: string): string {
  const parts = partsIn(date, zone);
  return pattern.replaceAll(TOKEN, (token: string, quoted: string | undefined) => {
    if (quoted !== undefined) return quoted === '' ? "'" : quoted.replaceAll("''", "'");
    const { length } = token;
    return FIELDS[token[0] ?? '']?.({ length, parts, date, zone }) ?? token;
  });
}

/** The value for a letter of the pattern. */
interface Asked {
  readonly length: number;
  readonly parts: Parts;
  readonly date: Date;
  readonly zone: string | undefined;
}

const padded =
  (of: (parts: Parts) => number) =>
  ({ length, parts }: Asked): string =>
    String(of(parts)).padStart(length, '0');

const FIELDS: Readonly<Record<string, (asked: Asked) => string>> = {
  y: ({ length, parts: { year } }) =>
    length === 2 ? twoDigits(year % 100) : String(year).padStart(length, '0'),
  M: ({ length, parts, date, zone }) =>
    length <= 2
      ? String(parts.month).padStart(length, '0')
      : name(date, zone, { month: length === 3 ? 'short' : 'long' }),
  d: padded(({ day }) => day),
  E: ({ length, date, zone }) => name(date, zone, { weekday: length <= 3 ? 'short' : 'long' }),
  H: padded(({ hour }) => hour),
  k: padded(({ hour }) => hour || 24),
  h: padded(({ hour }) => hour % 12 || 12),
  K: padded(({ hour }) => hour % 12),
  m: padded(({ minute }) => minute),
  s: padded(({ second }) => second),
  S: ({ length, date }) => String(date.getMilliseconds()).padStart(length, '0'),
  a: ({ parts: { hour } }) => (hour < 12 ? 'AM' : 'PM'),
  Z: ({ date, zone }) => zoneOffset(offsetOf(date, zone), ''),
  X: ({ length, date, zone }) =>
    offsetOf(date, zone) === 0 ? 'Z' : zoneOffset(offsetOf(date, zone), length === 3 ? ':' : ''),
  z: ({ date, zone }) => name(date, zone, { timeZoneName: 'short' }).split(', ')[1] ?? '',
};

const twoDigits = (value: number): string => String(value).padStart(2, '0');

function zoneOffset(offset: number, mark: string): string {
  const minutes = Math.abs(Math.round(offset / 60_000));
  return `${offset < 0 ? '-' : '+'}${twoDigits(Math.floor(minutes / 60))}${mark}${twoDigits(minutes % 60)}`;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** Parses a date in the pattern; throws for any other text. */
export function parseDate(pattern: string, given: string, zone?: string): Date {
  const order: string[] = [];
  const tokens = [...pattern.matchAll(TOKEN)];
  const expression = tokens.map(([token, quoted], index) => {
    if (quoted !== undefined || !/[A-Za-z]/.test(token[0] ?? '')) {
      return (quoted ?? token).replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    }
    order.push(token);
    const isNextDigits = /^[yMdHhkKmsS]/.test(tokens[index + 1]?.[0] ?? '');
    if (/^(M{3,}|E|a|z)/.test(token)) return '([A-Za-z.]+)';
    if (/^[ZX]/.test(token)) return String.raw`(Z|[+-]\d\d:?\d\d)`;
    return isNextDigits ? `(\\d{${token.length}})` : String.raw`(\d+)`;
  });
  const found = new RegExp(`^\\s*${expression.join('')}`).exec(given);
  if (found === null) throw new Error(`the date is not in the form ${pattern}`);
  const value = {
    y: 1970,
    M: 1,
    d: 1,
    H: 0,
    m: 0,
    s: 0,
    S: 0,
    pm: undefined as boolean | undefined,
  };
  let offset: number | undefined;
  for (const [index, token] of order.entries()) {
    const text = found[index + 1] ?? '';
    const letter = token[0] ?? '';
    if (letter === 'a') value.pm = /^p/i.test(text);
    else if (/^M{3,}/.test(token)) value.M = MONTHS.indexOf(text.slice(0, 3).toLowerCase()) + 1;
    else if (letter === 'y')
      value.y = token.length === 2 ? 2_000 + (Number(text) % 100) : Number(text);
    else if ('hkK'.includes(letter)) value.H = Number(text);
    else if (letter === 'Z' || letter === 'X') offset = minutesOf(text) * 60_000;
    else if (letter in value) value[letter as 'M'] = Number(text);
  }
  const hour = value.pm === undefined ? value.H : (value.H % 12) + (value.pm ? 12 : 0);
  const asUtc = Date.UTC(value.y, value.M - 1, value.d, hour, value.m, value.s, value.S);
  return new Date(asUtc - (offset ?? offsetOf(new Date(asUtc), zone)));
}

function minutesOf(text: string): number {
  const [, sign = '+', hours = '0', minutes = '0'] = /^([+-])(\d\d):?(\d\d)$/.exec(text) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

export const DateUtil = {
  getCurrentDate: (pattern: unknown): string => formatDate(String(pattern), new Date()),
  formatDate: (pattern: unknown, date: unknown): string =>
    formatDate(String(pattern), new Date(Number(date))),
  getDate: (pattern: unknown, date: unknown): Date => parseDate(String(pattern), String(date)),
  convertDate: (from: unknown, to: unknown, date: unknown): string =>
    formatDate(String(to), parseDate(String(from), String(date))),
};
