import type { ResultTypes } from './compiled.ts';
import { ExpressionFault } from './fault.ts';

type Result = keyof ResultTypes;

const TYPES: Readonly<Record<Result, ReadonlySet<string>>> = {
  bool: new Set(['bool']),
  string: new Set(['string']),
  number: new Set(['int', 'double', 'uint']),
  plain: new Set(['string', 'bool', 'int', 'double']),
  any: new Set(),
};

const REMEDIES: Readonly<Record<Result, string>> = {
  bool: 'A condition is needed, such as field("PV1-2") == "I"',
  string: 'A text is needed: write one in quotes, or make one with string(…)',
  number: 'A number is needed: make one of a text with number(…)',
  plain: 'A text, a number, or true or false is needed',
  any: '',
};

/** The problem with the static type of an expression where `wanted` is needed. `dyn` is known only with the message. */
export function resultProblem(type: string, wanted: Result): string | undefined {
  if (wanted === 'any' || type.startsWith('dyn') || TYPES[wanted].has(type)) return undefined;
  return `It gives ${type}. ${REMEDIES[wanted]}.`;
}

/** Makes the value of an evaluation one of the wanted kind; throws a fault where a `dyn` turned out to be another. */
export function resultConversion<Wanted extends Result>(
  wanted: Wanted,
): (value: unknown) => ResultTypes[Wanted] {
  return CONVERSIONS[wanted];
}

const CONVERSIONS: { readonly [Wanted in Result]: (value: unknown) => ResultTypes[Wanted] } = {
  bool: (value) => (typeof value === 'boolean' ? value : wrong('true or false')),
  string: (value) => (typeof value === 'string' ? value : wrong('a text')),
  number: (value) => {
    if (typeof value === 'number') return value;
    return typeof value === 'bigint' ? Number(value) : wrong('a number');
  },
  plain: (value) =>
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'bigint' ||
    typeof value === 'boolean'
      ? value
      : wrong('a text, number or flag'),
  any: (value) => value,
};

function wrong(needed: string): never {
  throw new ExpressionFault(`it did not give ${needed}`);
}
