import { textOf, type XmlNode, type XmlTree } from '../tree.ts';
import type { Budget } from './budget.ts';

/** The result of a part of an XPath: nodes in document order, or a plain value. */
export type Value = readonly XmlNode[] | string | number | boolean;

/** Where a part of an XPath is evaluated. */
export interface Context {
  readonly tree: XmlTree;
  readonly node: XmlNode;
  readonly position: number;
  readonly size: number;
  readonly budget: Budget;
}

export type Evaluate = (context: Context) => Value;

export function isNodes(value: Value): value is readonly XmlNode[] {
  return typeof value === 'object';
}

/** The text of a node; the cost is its length. */
export function nodeText(node: XmlNode, budget: Budget): string {
  const text = textOf(node);
  budget.spend(1 + (text.length >> 6));
  return text;
}

export function asText(value: Value, budget: Budget): string {
  if (isNodes(value)) return value[0] === undefined ? '' : nodeText(value[0], budget);
  return typeof value === 'number' && Object.is(value, -0) ? '0' : plainText(value);
}

/** XPath has no exponents. */
function plainText(value: string | number | boolean): string {
  const text = String(value);
  if (typeof value !== 'number' || !text.includes('e')) return text;
  return Math.abs(value) < 1 ? value.toFixed(20).replace(/0+$/, '') : String(BigInt(value));
}

const NUMBER = /^\s*-?(?:\d+(?:\.\d*)?|\.\d+)\s*$/;

export function asNumber(value: Value, budget: Budget): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  const text = asText(value, budget);
  return NUMBER.test(text) ? Number(text) : Number.NaN;
}

export function asFlag(value: Value): boolean {
  if (isNodes(value)) return value.length > 0;
  return typeof value === 'number' ? value !== 0 && !Number.isNaN(value) : Boolean(value);
}
