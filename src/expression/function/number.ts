import { ExpressionFault } from '../fault.ts';
import type { ExpressionFunction } from './expression-function.ts';

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Functions between texts and numbers. */
export const numberFunctions: readonly ExpressionFunction[] = [
  {
    signature: 'number(string): double',
    help: 'The number in a text. Fails if it is not a number; see isNumber.',
    call: (text: string) => {
      const value = numberOf(text);
      if (value === undefined)
        throw new ExpressionFault('number() was given a text that is not a number');
      return value;
    },
  },
  {
    signature: 'number(string, double): double',
    help: 'The number in a text, or another one if the text is not a number.',
    call: (text: string, otherwise: number) => numberOf(text) ?? otherwise,
  },
  {
    signature: 'number(string, int): double',
    help: 'The number in a text, or another one if the text is not a number.',
    call: (text: string, otherwise: bigint) => numberOf(text) ?? Number(otherwise),
  },
  {
    signature: 'isNumber(string): bool',
    help: 'Whether a text is a number.',
    call: (text: string) => numberOf(text) !== undefined,
  },
  {
    signature: 'round(double, int): double',
    help: 'Rounded to that many decimals.',
    call: (value: number, decimals: bigint) => Number(value.toFixed(places(decimals))),
  },
  {
    signature: 'fixed(double, int): string',
    help: 'As text with exactly that many decimals: fixed(2.5, 2) gives 2.50.',
    call: (value: number, decimals: bigint) => value.toFixed(places(decimals)),
  },
];

function numberOf(text: string): number | undefined {
  const trimmed = text.trim();
  return DECIMAL.test(trimmed) ? Number(trimmed) : undefined;
}

function places(decimals: bigint): number {
  return Math.min(Math.max(0, Number(decimals)), 20);
}
