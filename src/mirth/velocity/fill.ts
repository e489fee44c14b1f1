import { isXml } from '../e4x/xml.ts';
import { javaString } from '../java/text.ts';
import { bare } from '../maps.ts';
import { plainTextOf } from '../plain-text.ts';
import type { Expression, Reference, TemplatePart, TemplateStep } from './parse.ts';

/** The value of a name; undefined if there is none. */
export type Lookup = (name: string) => unknown;

/** How many parts a template may produce: nested `#foreach` over a large list would never end. */
const LIMIT = 200_000;

/** Fills a template in. Unresolved references stay as written. */
export function fillTemplate(parts: readonly TemplatePart[], lookup: Lookup): string {
  return new Filling(lookup).text(parts);
}

class Filling {
  readonly #own = new Map<string, unknown>();
  readonly #lookup: Lookup;
  #made = 0;

  constructor(lookup: Lookup) {
    this.#lookup = lookup;
  }

  text(parts: readonly TemplatePart[]): string {
    return parts.map((part) => this.#part(part)).join('');
  }

  #part(part: TemplatePart): string {
    if (++this.#made > LIMIT) throw new Error('the template produces too many parts');
    switch (part.kind) {
      case 'text':
        return part.text;
      case 'reference':
        return this.#shown(part.of);
      case 'set':
        this.#own.set(part.variable, this.#value(part.value));
        return '';
      case 'if': {
        const branch = part.branches.find(({ test }) => isTrue(this.#value(test)));
        return this.text(branch?.body ?? part.otherwise);
      }
      case 'foreach':
      default:
        return this.#each(part);
    }
  }

  #each({ variable, list, body }: TemplatePart & { kind: 'foreach' }): string {
    const items = itemsOf(this.#value(list));
    const before = [variable, 'foreach', 'velocityCount'].map(
      (name) => [name, this.#own.get(name)] as const,
    );
    let made = '';
    for (const [index, item] of items.entries()) {
      this.#own.set(variable, item);
      this.#own.set('velocityCount', index + 1);
      const turn = { index, count: index + 1, first: index === 0 };
      const isLast = index === items.length - 1;
      this.#own.set('foreach', { ...turn, last: isLast, hasNext: !isLast });
      made += this.text(body);
    }
    for (const [name, value] of before) {
      if (value === undefined) this.#own.delete(name);
      else this.#own.set(name, value);
    }
    return made;
  }

  #shown(of: Reference): string {
    const value = this.#reference(of);
    if (value !== undefined && value !== null) return plainTextOf(value);
    return of.isQuiet ? '' : of.text;
  }

  #reference({ name, steps }: Reference): unknown {
    let value = bare(this.#own.has(name) ? this.#own.get(name) : this.#lookup(name));
    for (const step of steps) {
      if (value === undefined || value === null) return undefined;
      value = bare(this.#step(value, step));
    }
    return value;
  }

  #step(value: unknown, step: TemplateStep): unknown {
    if (step.kind === 'item') return partOf(value, this.#value(step.at));
    if (step.kind === 'part') return partOf(value, step.name);
    const given = step.given.map((one) => this.#value(one));
    return called(value, step.name, given);
  }

  #value(of: Expression): unknown {
    switch (of.kind) {
      case 'value':
        return of.value;
      case 'filled':
        return this.text(of.parts);
      case 'reference':
        return this.#reference(of.of);
      case 'list':
        return of.items.map((one) => this.#value(one));
      case 'not':
        return !isTrue(this.#value(of.of));
      case 'range': {
        const [from, to] = [Number(this.#value(of.from)), Number(this.#value(of.to))];
        const count = Math.min(Math.abs(to - from) + 1, LIMIT);
        return Array.from({ length: count }, (_, index) => from + (to < from ? -index : index));
      }
      case 'operation':
      default:
        return this.#operation(of.operator, of.left, of.right);
    }
  }

  #operation(operator: string, left: Expression, right: Expression): unknown {
    if (operator === '&&' || operator === 'and')
      return isTrue(this.#value(left)) && isTrue(this.#value(right));
    if (operator === '||' || operator === 'or')
      return isTrue(this.#value(left)) || isTrue(this.#value(right));
    return OPERATIONS[operator]?.(this.#value(left), this.#value(right));
  }
}

const isTrue = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== false;

const isEqual = (one: unknown, other: unknown): boolean =>
  plainTextOf(one ?? '') === plainTextOf(other ?? '');

const OPERATIONS: Readonly<Record<string, (left: unknown, right: unknown) => unknown>> = {
  '==': isEqual,
  eq: isEqual,
  '!=': (left, right) => !isEqual(left, right),
  ne: (left, right) => !isEqual(left, right),
  '<': (left, right) => Number(left) < Number(right),
  lt: (left, right) => Number(left) < Number(right),
  '>': (left, right) => Number(left) > Number(right),
  gt: (left, right) => Number(left) > Number(right),
  '<=': (left, right) => Number(left) <= Number(right),
  le: (left, right) => Number(left) <= Number(right),
  '>=': (left, right) => Number(left) >= Number(right),
  ge: (left, right) => Number(left) >= Number(right),
  '+': (left, right) => {
    const areNumbers = typeof left === 'number' && typeof right === 'number';
    return areNumbers ? left + right : plainTextOf(left) + plainTextOf(right);
  },
  '-': (left, right) => Number(left) - Number(right),
  '*': (left, right) => Number(left) * Number(right),
  '/': (left, right) => Number(left) / Number(right),
  '%': (left, right) => Number(left) % Number(right),
};

function itemsOf(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) || isXml(value)) return [...(value as Iterable<unknown>)];
  if (typeof value !== 'object') return [value];
  const values = (value as { values?: unknown }).values;
  return typeof values === 'function'
    ? [...(Reflect.apply(values, value, []) as Iterable<unknown>)]
    : Object.values(value);
}

/** Properties that lead from a value to everything in JavaScript. */
const HIDDEN = new Set(['constructor', 'prototype', '__proto__']);

function partOf(value: unknown, name: unknown): unknown {
  const key = plainTextOf(name);
  if (HIDDEN.has(key)) return undefined;
  if (isXml(value)) return (value as unknown as Record<string, unknown>)[key];
  if (typeof value !== 'object' || value === null) return undefined;
  const of = value as Record<string, unknown>;
  const get = of['get'];
  if (!Array.isArray(value) && typeof get === 'function' && !Object.hasOwn(value, key))
    return Reflect.apply(get, value, [key]) ?? undefined;
  const found = of[key];
  return typeof found === 'function' ? undefined : found;
}

function called(value: unknown, name: string, given: readonly unknown[]): unknown {
  if (HIDDEN.has(name)) return undefined;
  const java = typeof value === 'string' ? partsOf(javaString(value)) : {};
  const method =
    java[name] ??
    (Array.isArray(value) && /^(size|length)$/.test(name)
      ? () => value.length
      : partsOf(value)[name]);
  if (typeof method !== 'function') return undefined;
  return Reflect.apply(method, value, given) as unknown;
}

/** The methods of a value, including a text. */
const partsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  Object(value) as Record<string, unknown>;
