import { plainTextOf } from '../plain-text.ts';

/** A text that is built step by step. */
export class StringBuilder {
  #text: string;

  constructor(given: unknown = '') {
    this.#text = typeof given === 'number' ? '' : plainTextOf(given);
  }

  append(value: unknown): this {
    this.#text += plainTextOf(value);
    return this;
  }

  insert(at: number, value: unknown): this {
    this.#text = this.#text.slice(0, at) + plainTextOf(value) + this.#text.slice(at);
    return this;
  }

  deleteCharAt(at: number): this {
    this.#text = this.#text.slice(0, at) + this.#text.slice(at + 1);
    return this;
  }

  setLength(length: number): void {
    this.#text = this.#text.slice(0, length);
  }

  reverse(): this {
    this.#text = this.#text.split('').toReversed().join('');
    return this;
  }

  length(): number {
    return this.#text.length;
  }

  toString(): string {
    return this.#text;
  }
}

/** `String.format` for `%s`, `%d`, `%05d`, `%.2f`, `%-10s`, `%x`. */
export function format(pattern: unknown, ...given: readonly unknown[]): string {
  let next = 0;
  return plainTextOf(pattern).replaceAll(
    /%(-?)(0?)(\d*)(?:\.(\d+))?([sdfxX%n])/g,
    (...[, left, zero, width, decimals, kind = '']: readonly (string | undefined)[]) => {
      if (kind === '%') return '%';
      if (kind === 'n') return '\n';
      const text = formatted(kind, given[next++], decimals);
      const wide = Number(width || 0);
      return left === '-' ? text.padEnd(wide) : text.padStart(wide, zero === '0' ? '0' : ' ');
    },
  );
}

function formatted(kind: string, value: unknown, decimals: string | undefined): string {
  if (kind === 'd') return String(Math.trunc(Number(value)));
  if (kind === 'f') return Number(value).toFixed(Number(decimals ?? 6));
  if (kind === 'x') return Number(value).toString(16);
  if (kind === 'X') return Number(value).toString(16).toUpperCase();
  return plainTextOf(value ?? null);
}

/** A Java pattern: strings are regular expressions. */
const pattern = (given: unknown, flags = ''): RegExp =>
  given instanceof RegExp ? given : new RegExp(plainTextOf(given), flags);

/** String methods that JavaScript lacks or defines differently; any other value is returned unchanged. */
// biome-ignore lint/suspicious/noExplicitAny: what a script may do with it is anything
// oxlint-disable-next-line typescript/no-explicit-any -- what a script may do with it is anything
export function javaString(value: unknown): any {
  if (Object.prototype.toString.call(value) !== '[object String]') return value;
  const own = String(value);
  return {
    contains: (part: unknown) => own.includes(plainTextOf(part)),
    equals: (other: unknown) => own === plainTextOf(other ?? null),
    equalsIgnoreCase: (other: unknown) =>
      own.toLowerCase() === plainTextOf(other ?? null).toLowerCase(),
    getBytes: (charset?: unknown) => bytesOf(own, charset),
    hashCode: () => own.split('').reduce((sum, one) => (sum * 31 + one.charCodeAt(0)) | 0, 0),
    isEmpty: () => own === '',
    length: () => own.length,
    matches: (by: unknown) => new RegExp(`^(?:${pattern(by).source})$`, 's').test(own),
    replaceAll: (by: unknown, to: unknown) => own.replaceAll(pattern(by, 'g'), plainTextOf(to)),
    replaceFirst: (by: unknown, to: unknown) => own.replace(pattern(by), plainTextOf(to)),
    size: () => own.length,
    split: (by: unknown, limit?: unknown) =>
      own.split(pattern(by), limit === undefined ? undefined : Number(limit)),
    toCharArray: () => own.split(''),
  };
}

export const bytesOf = (value: unknown, charset?: unknown): Uint8Array =>
  value instanceof Uint8Array
    ? value
    : Buffer.from(
        plainTextOf(value),
        /8859|latin|ascii/i.test(plainTextOf(charset ?? '')) ? 'latin1' : 'utf8',
      );

const isBlank = (value: unknown): boolean =>
  value === null || value === undefined || plainTextOf(value).trim() === '';

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || plainTextOf(value) === '';

const textOf = (value: unknown): string => plainTextOf(value ?? '');

/** `org.apache.commons.lang3.StringUtils`, the part that scripts use. */
export const StringUtils = {
  isBlank,
  isNotBlank: (value: unknown): boolean => !isBlank(value),
  isEmpty,
  isNotEmpty: (value: unknown): boolean => !isEmpty(value),
  isNumeric: (value: unknown): boolean => /^\d+$/.test(textOf(value)),
  trim: (value: unknown): string => textOf(value).trim(),
  trimToEmpty: (value: unknown): string => textOf(value).trim(),
  strip: (value: unknown): string => textOf(value).trim(),
  chomp: (value: unknown): string => textOf(value).replace(/\r?\n$|\r$/, ''),
  upperCase: (value: unknown): string => textOf(value).toUpperCase(),
  lowerCase: (value: unknown): string => textOf(value).toLowerCase(),
  capitalize: (value: unknown): string => textOf(value).replace(/^./s, (one) => one.toUpperCase()),
  leftPad: (value: unknown, size: unknown, by: unknown = ' '): string =>
    textOf(value).padStart(Number(size), textOf(by)),
  rightPad: (value: unknown, size: unknown, by: unknown = ' '): string =>
    textOf(value).padEnd(Number(size), textOf(by)),
  equals: (one: unknown, other: unknown): boolean => textOf(one) === textOf(other),
  equalsIgnoreCase: (one: unknown, other: unknown): boolean =>
    textOf(one).toLowerCase() === textOf(other).toLowerCase(),
  contains: (value: unknown, part: unknown): boolean => textOf(value).includes(textOf(part)),
  containsIgnoreCase: (value: unknown, part: unknown): boolean =>
    textOf(value).toLowerCase().includes(textOf(part).toLowerCase()),
  countMatches: (value: unknown, part: unknown): number =>
    isEmpty(part) ? 0 : textOf(value).split(textOf(part)).length - 1,
  replace: (value: unknown, from: unknown, to: unknown): string =>
    isEmpty(from) ? textOf(value) : textOf(value).replaceAll(textOf(from), () => textOf(to)),
  remove: (value: unknown, part: unknown): string =>
    isEmpty(part) ? textOf(value) : textOf(value).replaceAll(textOf(part), ''),
  repeat: (value: unknown, count: unknown): string => textOf(value).repeat(Number(count)),
  reverse: (value: unknown): string => textOf(value).split('').toReversed().join(''),
  split: (value: unknown, by: unknown = ' '): string[] =>
    textOf(value)
      .split(textOf(by))
      .filter((one) => one !== ''),
  join: (values: Iterable<unknown>, by: unknown = ''): string =>
    [...values].map(textOf).join(textOf(by)),
  substringAfter: (value: unknown, mark: unknown): string => {
    const at = textOf(value).indexOf(textOf(mark));
    return at < 0 ? '' : textOf(value).slice(at + textOf(mark).length);
  },
  substringBefore: (value: unknown, mark: unknown): string => {
    const at = textOf(value).indexOf(textOf(mark));
    return at < 0 ? textOf(value) : textOf(value).slice(0, at);
  },
  left: (value: unknown, length: unknown): string => textOf(value).slice(0, Number(length)),
  right: (value: unknown, length: unknown): string =>
    Number(length) <= 0 ? '' : textOf(value).slice(-Number(length)),
  defaultString: (value: unknown, otherwise: unknown = ''): string => textOf(value ?? otherwise),
};
