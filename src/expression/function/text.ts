import { pattern } from '../../document/text/pattern.ts';
import { ExpressionFault } from '../fault.ts';
import type { ExpressionFunction } from './expression-function.ts';

/** Functions on texts. Positions count from 0 and are clipped to the text: a short value is not an error. */
export const textFunctions: readonly ExpressionFunction[] = [
  {
    signature: 'upper(string): string',
    help: 'In capitals.',
    call: (text: string) => text.toUpperCase(),
  },
  {
    signature: 'lower(string): string',
    help: 'In lower case.',
    call: (text: string) => text.toLowerCase(),
  },
  {
    signature: 'capitalize(string): string',
    help: 'Each word with a capital first letter: DOE-SMITH gives Doe-Smith.',
    call: (text: string) =>
      text.toLowerCase().replace(/\p{L}[\p{L}\p{M}'’]*/gu, (word) => firstUpper(word)),
  },
  {
    signature: 'trim(string): string',
    help: 'Without white space at both ends.',
    call: (text: string) => text.trim(),
  },
  {
    signature: 'left(string, int): string',
    help: 'The first characters.',
    call: (text: string, count: bigint) => text.slice(0, position(count)),
  },
  {
    signature: 'right(string, int): string',
    help: 'The last characters.',
    call: (text: string, count: bigint) => text.slice(Math.max(0, text.length - position(count))),
  },
  {
    signature: 'substring(string, int): string',
    help: 'From a position on; the first character is at 0.',
    call: (text: string, start: bigint) => text.slice(position(start)),
  },
  {
    signature: 'substring(string, int, int): string',
    help: 'From a position up to, but not including, another.',
    call: (text: string, start: bigint, end: bigint) => text.slice(position(start), position(end)),
  },
  {
    signature: 'replace(string, string, string): string',
    help: 'With every occurrence of the second text replaced by the third.',
    call: (text: string, find: string, put: string) => {
      // a million single letters can each be replaced by a long text
      if (put.length > find.length && (text.length + 1) * put.length > LARGEST) {
        throw new ExpressionFault('replace() would make a text too large');
      }
      return text.replaceAll(find, () => put);
    },
  },
  {
    signature: 'replaceMatches(string, string, string): string',
    help: 'With every match of a regular expression replaced; $1 stands for the first group.',
    call: (text: string, source: string, put: string) => pattern(source).replaceAll(text, put),
  },
  {
    signature: 'firstMatch(string, string): string',
    help: 'The first group of a regular expression, or the whole match if it has none; "" if nothing matches.',
    call: (text: string, source: string) => {
      const found = pattern(source).first(text);
      return found?.[1] ?? found?.[0] ?? '';
    },
  },
  {
    signature: 'string.matches(string): bool',
    help: 'Whether a regular expression matches anywhere in it: field("PID-3").matches("^[0-9]{8}$"). Without look-around and back references, so that its time is bounded.',
    call: (text: string, source: string) => pattern(source).test(text),
  },
  {
    signature: 'split(string, string): list<string>',
    help: 'The parts between separators.',
    call: (text: string, separator: string) => text.split(separator),
  },
  {
    signature: 'piece(string, string, int): string',
    help: 'The part with that number, from 1; "" if there are fewer.',
    call: (text: string, separator: string, number: bigint) =>
      text.split(separator)[Number(number) - 1] ?? '',
  },
  {
    signature: 'padLeft(string, int, string): string',
    help: 'Filled at the start to a length: padLeft("7", 3, "0") gives 007.',
    call: (text: string, length: bigint, fill: string) => text.padStart(padded(length), fill),
  },
  {
    signature: 'padRight(string, int, string): string',
    help: 'Filled at the end to a length.',
    call: (text: string, length: bigint, fill: string) => text.padEnd(padded(length), fill),
  },
  {
    signature: 'digits(string): string',
    help: 'Only its digits, as for a phone number.',
    call: (text: string) => text.replaceAll(/\D/g, ''),
  },
  {
    signature: 'firstOf(list<string>): string',
    help: 'The first text of a list that is not empty: firstOf([field("PID-13"), field("PID-14")]).',
    call: (texts: readonly string[]) => texts.find((text) => text !== '') ?? '',
  },
];

function position(given: bigint): number {
  return Math.max(0, Number(given));
}

/** Characters that `replace` may make. */
const LARGEST = 32_000_000;

/** The longest text that padding makes; a wrong length must not use up the engine's memory. */
const LONGEST = 1_000_000;

function padded(length: bigint): number {
  return Math.min(position(length), LONGEST);
}

function firstUpper(word: string): string {
  const [first = ''] = word;
  return first.toUpperCase() + word.slice(first.length);
}
