import { templateRoots, unknownTemplate } from '../cda/templates.ts';
import { attributeOf } from '../elements.ts';
import { textOf } from '../tree.ts';
import {
  asFlag,
  asNumber,
  asText,
  type Context,
  type Evaluate,
  isNodes,
  nodeText,
  type Value,
} from './value.ts';

interface XPathFunction {
  readonly least: number;
  readonly most: number;
  readonly call: (context: Context, given: readonly Value[]) => Value;
}

/** A call with its arguments; a text if something is wrong with it. */
export function functionCall(name: string, given: readonly Evaluate[]): Evaluate | string {
  const found = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (found === undefined) return `there is no function ${name}`;
  if (given.length < found.least || given.length > found.most) {
    return `${name}() takes ${found.least === found.most ? '' : `${found.least} to `}${found.most} arguments`;
  }
  const { call } = found;
  return (context) => {
    context.budget.spend(1);
    return call(
      context,
      given.map((one) => one(context)),
    );
  };
}

/**
 * Ours, besides those of XPath: whether the current element follows a template of CDA, that is, has a `templateId` with
 * its identifier. A text if something is wrong with it.
 */
export function templateCall(name: string | undefined): Evaluate | string {
  if (name === undefined) return 'template() takes the title of a template, as a text';
  const roots = templateRoots(name);
  if (roots === undefined) return unknownTemplate(name);
  return ({ node, budget }) => {
    if (node.kind !== 'element') return false;
    budget.spend(1 + node.children.length);
    return node.children.some(
      (child) =>
        child.kind === 'element' &&
        child.local === 'templateId' &&
        roots.includes(attributeOf(child, 'root') ?? ''),
    );
  };
}

/** A function on texts; without arguments, on the current node. */
function ofTexts(
  least: number,
  most: number,
  call: (...texts: [string, string, string]) => string | number | boolean,
): XPathFunction {
  return {
    least,
    most,
    call: ({ node, budget }, given) => {
      const texts = given.map((one) => asText(one, budget));
      const [first = nodeText(node, budget), second = '', third = ''] = texts;
      return call(first, second, third);
    },
  };
}

function ofNumber(call: (value: number) => number): XPathFunction {
  return {
    least: 1,
    most: 1,
    call: ({ budget }, [given = '']) => call(asNumber(given, budget)),
  };
}

/** A function on the first node of a set, or on the current node. */
function ofName(tell: (name: string, local: string, uri: string) => string): XPathFunction {
  return {
    least: 0,
    most: 1,
    call: ({ node }, [given]) => {
      const one = given === undefined ? node : isNodes(given) ? given[0] : undefined;
      if (one === undefined || one.kind === 'root') return '';
      const named = one.kind === 'element' || one.kind === 'attribute';
      return named ? tell(one.name, one.local, one.uri) : tell(one.name, one.name, '');
    },
  };
}

const FUNCTIONS: Readonly<Record<string, XPathFunction>> = {
  last: { least: 0, most: 0, call: ({ size }) => size },
  position: { least: 0, most: 0, call: ({ position }) => position },
  count: { least: 1, most: 1, call: (_, [set = '']) => (isNodes(set) ? set.length : 0) },
  // without a DTD no attribute is an id
  id: { least: 1, most: 1, call: () => [] },
  'local-name': ofName((_name, local) => local),
  name: ofName((name) => name),
  'namespace-uri': ofName((_name, _local, uri) => uri),
  string: ofTexts(0, 1, (text) => text),
  concat: {
    least: 2,
    most: 100,
    call: ({ budget }, given) => given.map((one) => asText(one, budget)).join(''),
  },
  'starts-with': ofTexts(2, 2, (text, start) => text.startsWith(start)),
  contains: ofTexts(2, 2, (text, part) => text.includes(part)),
  'substring-before': ofTexts(2, 2, (text, mark) => {
    const at = text.indexOf(mark);
    return at < 0 ? '' : text.slice(0, at);
  }),
  'substring-after': ofTexts(2, 2, (text, mark) => {
    const at = text.indexOf(mark);
    return at < 0 ? '' : text.slice(at + mark.length);
  }),
  substring: {
    least: 2,
    most: 3,
    call: ({ budget }, [text = '', from = 1, length = Number.POSITIVE_INFINITY]) => {
      const start = rounded(asNumber(from, budget));
      const end = start + rounded(asNumber(length, budget));
      return Array.from(asText(text, budget))
        .filter((_, index) => index + 1 >= start && index + 1 < end)
        .join('');
    },
  },
  'string-length': ofTexts(0, 1, (text) => Array.from(text).length),
  'normalize-space': ofTexts(0, 1, (text) => text.trim().replaceAll(/\s+/g, ' ')),
  translate: ofTexts(3, 3, (text, from, to) => {
    const [before, after] = [Array.from(from), Array.from(to)];
    const map = new Map(
      before.map((one, index) => [one, after[index] ?? ''] as const).toReversed(),
    );
    return Array.from(text)
      .map((one) => map.get(one) ?? one)
      .join('');
  }),
  boolean: { least: 1, most: 1, call: (_, [value = '']) => asFlag(value) },
  not: { least: 1, most: 1, call: (_, [value = '']) => !asFlag(value) },
  true: { least: 0, most: 0, call: () => true },
  false: { least: 0, most: 0, call: () => false },
  lang: {
    least: 1,
    most: 1,
    call: ({ node, budget }, [wanted = '']) => isInLanguage(node, asText(wanted, budget)),
  },
  number: {
    least: 0,
    most: 1,
    call: ({ node, budget }, [value = [node]]) => asNumber(value, budget),
  },
  sum: {
    least: 1,
    most: 1,
    call: ({ budget }, [set = '']) =>
      isNodes(set)
        ? set.reduce((sum, node) => sum + asNumber(nodeText(node, budget), budget), 0)
        : Number.NaN,
  },
  floor: ofNumber(Math.floor),
  ceiling: ofNumber(Math.ceil),
  round: ofNumber(rounded),
};

function rounded(value: number): number {
  return Number.isFinite(value) ? Math.floor(value + 0.5) : value;
}

function isInLanguage(node: Context['node'], wanted: string): boolean {
  for (let at: Context['node'] | undefined = node; at !== undefined; at = at.parent) {
    if (at.kind !== 'element') continue;
    const language = at.attributes.find(({ name }) => name === 'xml:lang');
    if (language === undefined) continue;
    const text = textOf(language).toLowerCase();
    return text === wanted.toLowerCase() || text.startsWith(`${wanted.toLowerCase()}-`);
  }
  return false;
}

type Binary = (left: Evaluate, right: Evaluate, context: Context) => Value;

const arithmetic =
  (run: (left: number, right: number) => number): Binary =>
  (left, right, context) =>
    run(asNumber(left(context), context.budget), asNumber(right(context), context.budget));

export const BINARY: Readonly<Record<string, Binary>> = {
  or: (left, right, context) => asFlag(left(context)) || asFlag(right(context)),
  and: (left, right, context) => asFlag(left(context)) && asFlag(right(context)),
  '+': arithmetic((left, right) => left + right),
  '-': arithmetic((left, right) => left - right),
  '*': arithmetic((left, right) => left * right),
  div: arithmetic((left, right) => left / right),
  mod: arithmetic((left, right) => left % right),
};

type Plain = Exclude<Value, readonly unknown[]>;

/** A comparison; for node sets it is true if it is true for any node (XPath 1.0 §3.4). */
export function compare(operator: string): Binary {
  const test = operator === '=' || operator === '!=' ? equality(operator) : order(operator);
  return (first, second, context) => {
    const { budget } = context;
    const [left, right] = [first(context), second(context)];
    if (isNodes(left) && isNodes(right) && operator === '=') {
      const texts = new Set(left.map((node) => nodeText(node, budget)));
      return right.some((node) => texts.has(nodeText(node, budget)));
    }
    if (isNodes(left) && typeof right === 'boolean') return test(asFlag(left), right, context);
    if (isNodes(right) && typeof left === 'boolean') return test(left, asFlag(right), context);
    const rights = plainOf(right, context);
    return plainOf(left, context).some((one) =>
      rights.some((other) => {
        budget.spend(1);
        return test(one, other, context);
      }),
    );
  };
}

function plainOf(value: Value, { budget }: Context): readonly Plain[] {
  return isNodes(value) ? value.map((node) => nodeText(node, budget)) : [value];
}

function equality(operator: string): (left: Plain, right: Plain, context: Context) => boolean {
  return (left, right, { budget }) => {
    const equal =
      typeof left === 'boolean' || typeof right === 'boolean'
        ? asFlag(left) === asFlag(right)
        : typeof left === 'number' || typeof right === 'number'
          ? asNumber(left, budget) === asNumber(right, budget)
          : asText(left, budget) === asText(right, budget);
    return equal === (operator === '=');
  };
}

function order(operator: string): (left: Plain, right: Plain, context: Context) => boolean {
  return (left, right, { budget }) => {
    const [a, b] = [asNumber(left, budget), asNumber(right, budget)];
    if (operator === '<') return a < b;
    if (operator === '<=') return a <= b;
    return operator === '>' ? a > b : a >= b;
  };
}
