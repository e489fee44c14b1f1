import { NoCounterpart } from './objectscript.ts';

/** A value in CEL, where texts, numbers and truth values are different things. */
export interface Cel {
  readonly text: string;
  readonly type: 'text' | 'int' | 'double' | 'bool' | 'list';
}

export const asText = (text: string): Cel => ({ text, type: 'text' });
export const asBool = (text: string): Cel => ({ text, type: 'bool' });

/** The beginning of a text that ObjectScript takes for its number. */
const NUMBER = '^ *[-+]?[0-9]*[.]?[0-9]+';

export function numbers(one: Cel, other: Cel): [string, string] {
  if (one.type === 'int' && other.type === 'int') return [one.text, other.text];
  return [doubleOf(one), doubleOf(other)];
}

function doubleOf(cel: Cel): string {
  if (cel.type === 'double') return cel.text;
  if (cel.type === 'int') return /^-?\d+$/.test(cel.text) ? `${cel.text}.0` : `double(${cel.text})`;
  if (cel.type === 'text') return `number(firstMatch(${cel.text}, ${JSON.stringify(NUMBER)}), 0.0)`;
  throw new NoCounterpart('compares by size');
}

/** As a text, to be joined or given to a function. */
export function textOf(cel: Cel): string {
  if (cel.type === 'text') return cel.text;
  if (cel.type === 'int')
    return /^-?\d+$/.test(cel.text) ? JSON.stringify(cel.text) : `string(${cel.text})`;
  if (cel.type === 'bool') return `(${cel.text} ? "1" : "0")`;
  throw new NoCounterpart(
    cel.type === 'list' ? 'uses several values at once' : 'makes a text of a number',
  );
}

export function conditionOf(cel: Cel): string {
  if (cel.type === 'bool') return cel.text;
  if (cel.text === '1' || cel.text === '"1"') return 'true';
  if (cel.text === '0' || cel.text === '"0"' || cel.text === '""') return 'false';
  if (cel.type === 'int') return `${cel.text} != 0`;
  return `${doubleOf(cel)} != 0.0`;
}

/** As what a method is called on. */
export const within = (text: string): string =>
  /^(?:"(?:[^"\\]|\\.)*"|[a-zA-Z]+\([^()]*\)|\(.*\))$/.test(text) ? text : `(${text})`;
