import { systemUri } from './codes.ts';
import type { FormContext } from './form-context.ts';
import { decimal, type Element } from './json.ts';
import type { Part } from './part.ts';

/** CWE as the unit of a Quantity. */
export function unitsOf(part: Part, { systems }: FormContext): Element | undefined {
  const [code, text, name] = [1, 2, 3].map((number) => part.child(number)?.use());
  if (code === undefined && text === undefined) return undefined;
  const system = name === undefined ? undefined : systemUri(name, systems);
  const isCoded = code !== undefined && system !== undefined;
  return { unit: text ?? code, ...(isCoded && { system, code }) };
}

const COMPARED = /^(<=|>=|<|>)\s*(.+)$/;

/** A number, perhaps with a comparison before it, which v2 does not allow and laboratories send. */
export function quantityOf(part: Part): Element | undefined {
  const [, comparator, rest] = COMPARED.exec(part.peek()) ?? [];
  const value = decimal(rest ?? part.peek());
  if (value === undefined) return undefined;
  part.use();
  return { ...(comparator !== undefined && { comparator }), value };
}

/** SN: a comparison, range or ratio; what is none of them as text. */
export function structuredNumeric(part: Part): Element | undefined {
  const [comparator, first, separator, second] = [1, 2, 3, 4].map((at) => part.child(at)?.peek());
  const made = numeric({ comparator, first, separator, second });
  if (made !== undefined) part.useAll();
  return made;
}

interface Numeric {
  readonly comparator: string | undefined;
  readonly first: string | undefined;
  readonly separator: string | undefined;
  readonly second: string | undefined;
}

function numeric(given: Numeric): Element | undefined {
  const { comparator, first, separator, second } = given;
  const text = [comparator, first, separator, second].filter((one) => one !== undefined).join(' ');
  if (comparator === '<>') return { valueString: text };
  const low = first === undefined ? undefined : decimal(first);
  const high = second === undefined ? undefined : decimal(second);
  const compared =
    comparator !== undefined && /^[<>]=?$/.test(comparator) ? { comparator } : undefined;
  if (low !== undefined && separator === undefined) {
    return { valueQuantity: { ...compared, value: low } };
  }
  if (low !== undefined && high !== undefined) {
    const pair = between(separator, { ...compared, value: low }, { value: high });
    if (pair !== undefined) return pair;
  }
  return text === '' ? undefined : { valueString: text };
}

function between(separator: string | undefined, low: Element, high: Element): Element | undefined {
  if (separator === '-') return { valueRange: { low: { value: low['value'] }, high } };
  const isRatio = separator === ':' || separator === '/';
  return isRatio ? { valueRatio: { numerator: low, denominator: high } } : undefined;
}
