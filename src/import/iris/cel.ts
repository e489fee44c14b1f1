import {
  asText,
  asBool as bool,
  type Cel,
  conditionOf,
  within as inner,
  numbers,
  textOf,
  within,
} from './cel-value.ts';
import { type Case, longName, NoCounterpart, type Node } from './objectscript.ts';
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

/** Functions of ObjectScript and of Ens.Util.FunctionSet → CEL. */

type Given = (index: number) => Cel;

interface Call {
  readonly nodes: readonly Node[];
  readonly at: Given;
  /** An argument as a text, or what is used where it is left out. */
  readonly text: (index: number, otherwise?: string) => string;
  readonly has: (index: number) => boolean;
}

type Make = (call: Call) => Cel;

const int = (text: string): Cel => ({ text, type: 'int' });

function celFunction(name: string, nodes: readonly Node[], cel: (node: Node) => Cel): Cel {
  const plain = name
    .toLowerCase()
    .replace(/^##class\((?:ens\.util\.functionset|ens\.rule\.functionset)\)\./, '')
    .replace(/^\.\./, '');
  const make = FUNCTIONS[longName(plain)];
  if (make === undefined) throw new NoCounterpart(`calls ${name}`);
  const at: Given = (index) => {
    const node = nodes[index];
    if (node === undefined) throw new NoCounterpart(`calls ${name} with too little`);
    return cel(node);
  };
  const has = (index: number): boolean => nodes[index] !== undefined;
  const text = (index: number, otherwise = '""'): string =>
    has(index) ? textOf(at(index)) : otherwise;
  return make({ nodes, at, text, has });
}

const literalOf = (node: Node | undefined): string | undefined =>
  node?.kind === 'text' || node?.kind === 'number' ? node.value : undefined;

function literal({ nodes }: Call, index: number, otherwise: string): string {
  if (nodes[index] === undefined) return otherwise;
  const value = literalOf(nodes[index]);
  if (value === undefined) throw new NoCounterpart('computes what says how it works');
  return value;
}

/** A number of a piece or character, as CEL. */
function count(call: Call, index: number, otherwise: number): string {
  const value = literal(call, index, String(otherwise));
  if (!/^-?\d+$/.test(value)) throw new NoCounterpart('counts by a text');
  return value;
}

const isOneOf = ({ at, text }: Call): Cel => {
  const value = at(0);
  return bool(
    value.type === 'list'
      ? `${value.text}.exists(one, one in split(${text(1)}, ","))`
      : `${textOf(value)} in split(${text(1)}, ",")`,
  );
};

/** Of several values, written <A><B>, `In` would have to find all that at once. */
function isIn(call: Call): Cel {
  if (call.at(0).type === 'list') throw new NoCounterpart('asks for several values at once');
  return isOneOf(call);
}

const not = ({ text }: Cel): Cel => bool(`!(${text})`);

function contains(call: Call): Cel {
  const [whole, sought] = [call.at(0), literalOf(call.nodes[1])];
  if (whole.type !== 'list') return bool(`${inner(call.text(0))}.contains(${call.text(1)})`);
  // several values are written <A><B>
  const [, one] = /^<([^<>]*)>$/.exec(sought ?? '') ?? [];
  if (one === undefined) return bool(`${whole.text}.exists(one, one.contains(${call.text(1)}))`);
  return bool(`${JSON.stringify(one)} in ${whole.text}`);
}

const starts = ({ text }: Call): Cel => bool(`${inner(text(0))}.startsWith(${text(1)})`);

function pieces(call: Call, mark: string): Cel {
  const [from, to] = [count(call, 2, 1), count(call, 3, Number(count(call, 2, 1)))];
  if (from !== to) throw new NoCounterpart('takes several pieces');
  return asText(`piece(${call.text(0)}, ${call.text(1, mark)}, ${from})`);
}

function part(call: Call): Cel {
  const from = Number(count(call, 1, 1));
  const until = Number(count(call, 2, call.has(1) ? from : 1));
  if (from < 1) throw new NoCounterpart('counts characters from the end');
  if (until === -1) return asText(`substring(${call.text(0)}, ${from - 1})`);
  if (until < 1) throw new NoCounterpart('counts characters from the end');
  return asText(`substring(${call.text(0)}, ${from - 1}, ${until})`);
}

/** Replaces each character by another, or by nothing. */
function translated(call: Call): Cel {
  const from = Array.from(literal(call, 1, ''));
  const to = Array.from(literal(call, 2, ''));
  let made = call.text(0);
  for (const [index, mark] of from.entries()) {
    const put = to[index] ?? '';
    // one that was put must not be replaced again
    if (put !== '' && from.slice(index + 1).includes(put))
      throw new NoCounterpart('exchanges characters');
    made = `replace(${made}, ${JSON.stringify(mark)}, ${JSON.stringify(put)})`;
  }
  return asText(made);
}

function stripped(call: Call): Cel {
  const action = literal(call, 1, '<>W').toUpperCase();
  const text = call.text(0);
  if (call.has(2)) throw new NoCounterpart('strips characters that it names');
  const what: Readonly<Record<string, string>> = {
    W: '[ \\t\\xa0]',
    P: '[ -/:-@\\[-`{-~]',
    N: '[0-9]',
    A: '[A-Za-z]',
    C: '[\\x00-\\x1f\\x7f-\\x9f]',
  };
  const [, sides = '', kind = ''] = /^(\*|<>|><|<|>)(\w)$/.exec(action) ?? [];
  const set = what[kind];
  if (set === undefined) throw new NoCounterpart(`strips ${action}`);
  if (sides.length === 2 && kind === 'W') return asText(`trim(${text})`);
  const pattern =
    sides === '*'
      ? set
      : sides === '<'
        ? `^${set}+`
        : sides === '>'
          ? `${set}+$`
          : `^${set}+|${set}+$`;
  return asText(`replaceMatches(${text}, ${JSON.stringify(pattern)}, "")`);
}

function looked(call: Call): Cel {
  const [table, key, otherwise] = [call.text(0), call.text(1), call.text(2)];
  if (otherwise === '""') return asText(`lookup(${table}, ${key})`);
  const found = `lookup(${table}, ${key}, ${otherwise})`;
  // an empty key has the default only if the fourth argument says so
  const onEmpty = Number(literal(call, 3, '0'));
  return asText(onEmpty % 2 === 1 ? found : `(${key} == "" ? "" : ${found})`);
}

/** What the trace of a lookup never has. */
const NONE = '"(none)"';

const LETTERS: Readonly<Record<string, string>> = {
  Y: 'yyyy',
  y: 'yy',
  m: 'MM',
  d: 'dd',
  H: 'HH',
  M: 'mm',
  S: 'ss',
};

/** A format of times, `%Y-%m-%d`, as a pattern. */
function patternOf(format: string): string {
  const whole = format
    .replaceAll('%q', '%Y-%m-%d %H:%M:%S')
    .replace(/%Q(?!\()/g, '%Y-%m-%d %H:%M:%S');
  return whole.replaceAll(/%(.)|([A-Za-z]+)/g, (_, letter?: string, word?: string) => {
    if (word !== undefined) return `'${word}'`;
    const made = LETTERS[letter ?? ''];
    if (made === undefined) throw new NoCounterpart(`writes a time as %${letter}`);
    return made;
  });
}

/** Formats of HL7 that hl7Time reads. */
const HL7_TIME = /^%Y(?:%m(?:%d(?:%H(?:%M(?:%S)?)?)?)?)?$/;

function converted(call: Call): Cel {
  const [from, to] = [literal(call, 1, '%Y-%m-%d %H:%M:%S'), literal(call, 2, '%Y-%m-%d %H:%M:%S')];
  if (!HL7_TIME.test(from)) throw new NoCounterpart(`reads a time as ${from}`);
  const value = call.text(0);
  return asText(
    `(isTime(${value}) ? format(hl7Time(${value}), ${JSON.stringify(patternOf(to))}) : ${value})`,
  );
}

/** Formats of dates by their numbers → patterns. */
export const DATES: Readonly<Record<string, string>> = {
  '1': 'MM/dd/yyyy',
  '3': 'yyyy-MM-dd',
  '4': 'dd/MM/yyyy',
  '8': 'yyyyMMdd',
};

/** Only of now. */
function dated(call: Call, isTime: boolean): Cel {
  const [of] = call.nodes;
  if (of?.kind !== 'read' || !/^\$(?:h|horolog)$/i.test(of.what))
    throw new NoCounterpart('writes a date of its own');
  const date = DATES[literal(call, 1, '1')];
  const time = { '1': 'HH:mm:ss', '2': 'HH:mm' }[literal(call, 2, '1')];
  if (date === undefined || time === undefined || call.has(3))
    throw new NoCounterpart('writes a date in a form of its own');
  return asText(`format(now(), ${JSON.stringify(isTime ? `${date} ${time}` : date)})`);
}

function padded(call: Call): Cel {
  const width = Number(count(call, 1, 0));
  const fill = call.text(2, '" "');
  return asText(
    `${width < 0 ? 'padLeft' : 'padRight'}(${call.text(0)}, ${Math.abs(width)}, ${fill})`,
  );
}

/** LIKE of SQL. */
function like(call: Call): Cel {
  const pattern = literal(call, 1, '').replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const made = `^(?s:${pattern.replaceAll('%', '.*').replaceAll('_', '.')})$`;
  return bool(`${inner(call.text(0))}.matches(${JSON.stringify(made)})`);
}

const FUNCTIONS: Readonly<Record<string, Make>> = {
  contains,
  doesnotcontain: (call) => not(contains(call)),
  startswith: starts,
  doesnotstartwith: (call) => not(starts(call)),
  in: isIn,
  notin: (call) => not(isIn(call)),
  intersectslist: isOneOf,
  doesnotintersectlist: (call) => not(isOneOf(call)),
  not: ({ at }) => bool(`!(${conditionOf(at(0))})`),
  if: ({ at, text }) => asText(`(${conditionOf(at(0))} ? ${text(1)} : ${text(2)})`),
  length: (call) =>
    int(call.has(1) ? `size(split(${call.text(0)}, ${call.text(1)}))` : `size(${call.text(0)})`),
  toupper: ({ text }) => asText(`upper(${text(0)})`),
  tolower: ({ text }) => asText(`lower(${text(0)})`),
  strip: stripped,
  lookup: looked,
  exists: ({ text }) => bool(`lookup(${text(0)}, ${text(1)}, ${NONE}) != ${NONE}`),
  doesnotexist: ({ text }) => bool(`lookup(${text(0)}, ${text(1)}, ${NONE}) == ${NONE}`),
  piece: (call) => pieces(call, '"^"'),
  substring: (call) =>
    part({
      ...call,
      nodes:
        call.nodes[2] === undefined ? [...call.nodes, { kind: 'number', value: '-1' }] : call.nodes,
    }),
  replacestr: ({ text }) => asText(`replace(${text(0)}, ${text(1)}, ${text(2)})`),
  translate: translated,
  pad: padded,
  like,
  matches: (call) =>
    bool(`${inner(call.text(0))}.matches(${JSON.stringify(regularOf(literal(call, 1, '')))})`),
  regexmatch: (call) =>
    bool(`${inner(call.text(0))}.matches(${JSON.stringify(`^(?:${literal(call, 1, '')})$`)})`),
  currentdatetime: (call) =>
    asText(`format(now(), ${JSON.stringify(patternOf(literal(call, 0, '%Y-%m-%d %H:%M:%S')))})`),
  convertdatetime: converted,
  $piece: (call) => pieces(call, '"^"'),
  $extract: part,
  $length: (call) =>
    int(call.has(1) ? `size(split(${call.text(0)}, ${call.text(1)}))` : `size(${call.text(0)})`),
  $translate: translated,
  $replace: ({ text }) => asText(`replace(${text(0)}, ${text(1)}, ${text(2)})`),
  $zstrip: stripped,
  $zconvert: (call) => {
    const how = literal(call, 1, '').toUpperCase();
    if (how === 'U' || how === 'L')
      return asText(`${how === 'U' ? 'upper' : 'lower'}(${call.text(0)})`);
    throw new NoCounterpart(`converts by ${how}`);
  },
  $get: ({ text }) => asText(text(0)),
  $char: (call) => {
    const codes = call.nodes.map(literalOf);
    if (codes.some((one) => one === undefined || !/^\d+$/.test(one)))
      throw new NoCounterpart('computes a character');
    return asText(JSON.stringify(String.fromCodePoint(...codes.map(Number))));
  },
  $zdate: (call) => dated(call, false),
  $zdatetime: (call) => dated(call, true),
};
