import {
  asText,
  asBool as bool,
  type Cel,
  conditionOf,
  numbers,
  textOf,
  within,
} from './cel-value.ts';
import { celFunction } from './functions.ts';
import { type Case, NoCounterpart, type Node } from './objectscript.ts';
import { regularOf } from './pattern.ts';

/** The CEL for what is read: `{PID:…}` of the message, a property, a variable. */
export type Read = (what: string) => Cel;

export const celText = (node: Node, read: Read): string => textOf(celOf(node, read));
export const celCondition = (node: Node, read: Read): string => conditionOf(celOf(node, read));

export function celOf(node: Node, read: Read): Cel {
  switch (node.kind) {
    case 'text':
      return asText(JSON.stringify(node.value));
    case 'number':
      return { text: node.value, type: /^\d+$/.test(node.value) ? 'int' : 'double' };
    case 'read':
      return read(node.what);
    case 'call':
      return celFunction(node.name, node.given, (one) => celOf(one, read));
    case 'not':
      return { text: `!(${conditionOf(celOf(node.of, read))})`, type: 'bool' };
    case 'sign':
      if (node.of.kind === 'number') return { ...celOf(node.of, read), text: `-${node.of.value}` };
      throw new NoCounterpart('computes with texts');
    case 'pattern': {
      const made = `${within(celText(node.of, read))}.matches(${JSON.stringify(regularOf(node.pattern))})`;
      return { text: node.is ? made : `!${made}`, type: 'bool' };
    }
    case 'choice':
      return choiceOf(node.of, node.cases, read);
    case 'binary':
      break;
  }
  return binaryOf(node, read);
}

const LOGIC = new Set(['||', '&&']);
const SIZE: Readonly<Record<string, string>> = {
  '<': '<',
  '>': '>',
  '<=': '<=',
  '>=': '>=',
  "'<": '>=',
  "'>": '<=',
};

function binaryOf({ operator, left, right }: Node & { kind: 'binary' }, read: Read): Cel {
  const [one, other] = [celOf(left, read), celOf(right, read)];
  if (LOGIC.has(operator)) {
    const side = (node: Node, cel: Cel): string => {
      const text = conditionOf(cel);
      const isOther =
        node.kind === 'binary' && LOGIC.has(node.operator) && node.operator !== operator;
      return isOther || node.kind === 'choice' ? `(${text})` : text;
    };
    return bool(`${side(left, one)} ${operator} ${side(right, other)}`);
  }
  if (operator === '=' || operator === "'=")
    return equal(operator === '=', [left, one], [right, other]);
  const size = SIZE[operator];
  if (size !== undefined) {
    const [a, b] = numbers(one, other);
    return bool(`${a} ${size} ${b}`);
  }
  const [a, b] = [within(textOf(one)), textOf(other)];
  switch (operator) {
    case '_':
      return asText(`${textOf(one)} + ${textOf(other)}`);
    case '[':
    case 'contains':
      return bool(`${a}.contains(${b})`);
    case "'[":
    case 'doesnotcontain':
      return bool(`!${a}.contains(${b})`);
    case 'startswith':
      return bool(`${a}.startsWith(${b})`);
    case 'doesnotstartwith':
      return bool(`!${a}.startsWith(${b})`);
    default:
      return arithmetic(operator, one, other);
  }
}

function arithmetic(operator: string, one: Cel, other: Cel): Cel {
  if (/^[+*-]$/.test(operator) && one.type === 'int' && other.type === 'int')
    return { text: `(${one.text} ${operator} ${other.text})`, type: 'int' };
  throw new NoCounterpart(
    /^[+*/\\#-]|\*\*$/.test(operator) ? 'computes with texts' : `uses ${operator}`,
  );
}

/** `=` compares texts; a number is the text that it is written as. */
function equal(is: boolean, [, one]: readonly [Node, Cel], [, other]: readonly [Node, Cel]): Cel {
  const isList = one.type === 'list' || other.type === 'list';
  if (isList) throw new NoCounterpart('compares several values at once');
  for (const [a, b] of [
    [one, other],
    [other, one],
  ] as const) {
    if (
      a.type === 'bool' &&
      (b.text === '1' || b.text === '0' || b.text === '"1"' || b.text === '"0"')
    ) {
      const isTrue = b.text.includes('1') === is;
      return bool(isTrue ? a.text : `!(${a.text})`);
    }
  }
  const mark = is ? '==' : '!=';
  if (one.type === other.type && one.type !== 'bool')
    return bool(`${one.text} ${mark} ${other.text}`);
  return bool(`${textOf(one)} ${mark} ${textOf(other)}`);
}

function choiceOf(of: Node | undefined, cases: readonly Case[], read: Read): Cel {
  const made = cases.map(([, value]) => celOf(value, read));
  const isBool = made.every(({ type }) => type === 'bool');
  let text = isBool ? 'false' : '""';
  for (const [index, [test]] of [...cases.entries()].toReversed()) {
    const value = made[index] ?? asText('""');
    const own = isBool ? value.text : textOf(value);
    const when =
      of === undefined
        ? test && conditionOf(celOf(test, read))
        : test && equal(true, [of, celOf(of, read)], [test, celOf(test, read)]).text;
    text = when === undefined || when === 'true' ? own : `(${when} ? ${own} : ${text})`;
  }
  return { text, type: isBool ? 'bool' : 'text' };
}
