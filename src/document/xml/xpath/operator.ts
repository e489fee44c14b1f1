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

/** A comparison; of nodes it holds if it holds for any of them (XPath 1.0 §3.4). */
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
