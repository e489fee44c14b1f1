import { type Case, longName, NoCounterpart, type Node } from './objectscript.ts';
import { regularOf } from './pattern.ts';

/** Writes an expression as TypeScript, with values as ObjectScript has them: everything is a text until it is computed with. */

/** What an expression reads, `request.Name`, as TypeScript. */
export type ReadCode = (what: string) => string;

/** Which of the functions below a module needs. */
export type Helpers = Set<keyof typeof HELPERS>;

/** Functions of a module that expressions use. */
export const HELPERS = {
  text: "const text = (value) => (value === undefined || value === null ? '' : value === true ? '1' : value === false ? '0' : String(value));",
  number: "const number = (value) => Number.parseFloat(text(value).replace(/^\\++/, '')) || 0;",
  truth: 'const truth = (value) => (value === true || number(value) !== 0);',
  piece:
    'const piece = (value, mark, from = 1, to = from) => text(value).split(mark).slice(from - 1, to).join(mark);',
  extract:
    'const extract = (value, from = 1, to = from) => text(value).slice(from - 1, to === -1 ? undefined : to);',
  translate:
    "const translate = (value, from, to = '') => [...text(value)].map((one) => (from.includes(one) ? (to[from.indexOf(one)] ?? '') : one)).join('');",
} as const;

export interface CodeContext {
  readonly read: ReadCode;
  readonly helpers: Helpers;
}

type Typed = { readonly code: string; readonly type: 'text' | 'number' | 'truth' | 'any' };

export const valueCode = (node: Node, context: CodeContext): string => codeOf(node, context).code;

export function conditionCode(node: Node, context: CodeContext): string {
  const made = codeOf(node, context);
  return made.type === 'truth' ? made.code : use(context, 'truth', made.code);
}

function use(
  { helpers }: CodeContext,
  name: keyof typeof HELPERS,
  ...given: readonly string[]
): string {
  helpers.add(name);
  if (name === 'number' || name === 'piece' || name === 'extract' || name === 'translate')
    helpers.add('text');
  if (name === 'truth') helpers.add('number').add('text');
  return `${name}(${given.join(', ')})`;
}

const asText = (made: Typed, context: CodeContext): string =>
  made.type === 'text' ? made.code : use(context, 'text', made.code);
const asNumber = (made: Typed, context: CodeContext): string =>
  made.type === 'number' ? made.code : use(context, 'number', made.code);

function codeOf(node: Node, context: CodeContext): Typed {
  switch (node.kind) {
    case 'text':
      return { code: JSON.stringify(node.value), type: 'text' };
    case 'number':
      return { code: String(Number(node.value)), type: 'number' };
    case 'read':
      return { code: context.read(node.what), type: 'any' };
    case 'not':
      return { code: `!${wrapped(conditionCode(node.of, context))}`, type: 'truth' };
    case 'sign':
      return {
        code: `${node.operator === '-' ? '-' : ''}${asNumber(codeOf(node.of, context), context)}`,
        type: 'number',
      };
    case 'pattern': {
      const tested = `/${regularOf(node.pattern).replaceAll('/', '\\/')}/u.test(${asText(codeOf(node.of, context), context)})`;
      return { code: node.is ? tested : `!${tested}`, type: 'truth' };
    }
    case 'choice':
      return { code: choiceCode(node.of, node.cases, context), type: 'any' };
    case 'call':
      return called(node.name, node.given, context);
    case 'binary':
      break;
  }
  return binaryCode(node, context);
}

const wrapped = (code: string): string =>
  /^[\w.!]+\(.*\)$|^\w+$/.test(code) && !/ (?:&&|\|\||===|!==) /.test(code) ? code : `(${code})`;

function binaryCode(
  { operator, left, right }: Node & { kind: 'binary' },
  context: CodeContext,
): Typed {
  const [one, other] = [codeOf(left, context), codeOf(right, context)];
  const texts = (): [string, string] => [asText(one, context), asText(other, context)];
  const numbers = (): [string, string] => [asNumber(one, context), asNumber(other, context)];
  switch (operator) {
    case '||':
    case '&&':
      return {
        code: `(${conditionCode(left, context)} ${operator} ${conditionCode(right, context)})`,
        type: 'truth',
      };
    case '=':
    case "'=":
      return { code: texts().join(operator === '=' ? ' === ' : ' !== '), type: 'truth' };
    case '[':
      return { code: `${texts().join('.includes(')})`, type: 'truth' };
    case "'[":
      return { code: `!${texts().join('.includes(')})`, type: 'truth' };
    case '_':
      return { code: `(${texts().join(' + ')})`, type: 'text' };
    case '\\':
      return { code: `Math.trunc(${numbers().join(' / ')})`, type: 'number' };
    case '#':
      return {
        code: `(((${numbers().join(' % ')}) + ${numbers()[1]}) % ${numbers()[1]})`,
        type: 'number',
      };
    default: {
      const size = { '<': '<', '>': '>', '<=': '<=', '>=': '>=', "'<": '>=', "'>": '<=' }[operator];
      if (size !== undefined) return { code: numbers().join(` ${size} `), type: 'truth' };
      if (!/^(?:[-+*/]|\*\*)$/.test(operator)) throw new NoCounterpart(`uses ${operator}`);
      return { code: `(${numbers().join(` ${operator} `)})`, type: 'number' };
    }
  }
}

function choiceCode(of: Node | undefined, cases: readonly Case[], context: CodeContext): string {
  return cases.reduceRight((otherwise, [test, value]) => {
    const own = valueCode(value, context);
    if (test === undefined) return own;
    const when =
      of === undefined
        ? conditionCode(test, context)
        : binaryCode({ kind: 'binary', operator: '=', left: of, right: test }, context).code;
    return when === 'truth(1)' ? own : `(${when} ? ${own} : ${otherwise})`;
  }, "''");
}

interface CodeCall {
  readonly given: readonly Node[];
  readonly context: CodeContext;
  readonly text: (index: number) => string;
  /** The arguments from one on, as numbers. */
  readonly numbers: (from: number) => string[];
}

const asTyped = (code: string, type: Typed['type'] = 'text'): Typed => ({ code, type });

const length = ({ given, text }: CodeCall): Typed =>
  asTyped(given.length > 1 ? `${text(0)}.split(${text(1)}).length` : `${text(0)}.length`, 'number');

const pieceCode = ({ given, context, text, numbers }: CodeCall): Typed =>
  asTyped(use(context, 'piece', text(0), given[1] === undefined ? "'^'" : text(1), ...numbers(2)));

const replaced = ({ text }: CodeCall): Typed =>
  // a function, as `$&` in a text would mean what was found
  asTyped(`${text(0)}.replaceAll(${text(1)}, () => ${text(2)})`);

const translatedCode = ({ context, text }: CodeCall): Typed =>
  asTyped(use(context, 'translate', text(0), text(1), text(2)));

/** An empty key has the default only if the fourth argument says so. */
function looked({ given, text }: CodeCall): Typed {
  const [, , otherwise, onEmpty] = given;
  if (otherwise === undefined) return asTyped(`engine.lookup(${text(0)}, ${text(1)})`);
  const found = `engine.lookup(${[0, 1, 2].map(text).join(', ')})`;
  if (onEmpty !== undefined && onEmpty.kind !== 'number' && onEmpty.kind !== 'text')
    throw new NoCounterpart('computes what says how it works');
  return asTyped(
    Number(onEmpty?.value ?? 0) % 2 === 1 ? found : `(${text(1)} === '' ? '' : ${found})`,
  );
}

const CALLS: Readonly<Record<string, (call: CodeCall) => Typed>> = {
  $piece: pieceCode,
  piece: pieceCode,
  $extract: ({ context, text, numbers }) =>
    asTyped(use(context, 'extract', text(0), ...numbers(1))),
  substring: ({ given, context, text, numbers }) =>
    asTyped(use(context, 'extract', text(0), ...numbers(1), ...(given.length < 3 ? ['-1'] : []))),
  $translate: translatedCode,
  translate: translatedCode,
  $length: length,
  length,
  $replace: replaced,
  replacestr: replaced,
  toupper: ({ text }) => asTyped(`${text(0)}.toUpperCase()`),
  tolower: ({ text }) => asTyped(`${text(0)}.toLowerCase()`),
  $zconvert({ given, text }) {
    const how = given[1]?.kind === 'text' ? given[1].value.toLowerCase() : '';
    if (how !== 'u' && how !== 'l') throw new NoCounterpart('converts in another way');
    return asTyped(`${text(0)}.to${how === 'u' ? 'Upper' : 'Lower'}Case()`);
  },
  contains: ({ text }) => asTyped(`${text(0)}.includes(${text(1)})`, 'truth'),
  startswith: ({ text }) => asTyped(`${text(0)}.startsWith(${text(1)})`, 'truth'),
  in: ({ text }) => asTyped(`${text(1)}.split(',').includes(${text(0)})`, 'truth'),
  lookup: looked,
  $get: ({ text }) => asTyped(text(0)),
  $isobject: ({ given, context }) =>
    asTyped(
      `typeof ${valueCode(given[0] ?? { kind: 'text', value: '' }, context)} === 'object'`,
      'truth',
    ),
  $char: ({ numbers }) => asTyped(`String.fromCodePoint(${numbers(0).join(', ')})`),
};

function called(name: string, given: readonly Node[], context: CodeContext): Typed {
  const plain = name
    .toLowerCase()
    .replace(/^##class\((?:ens\.util\.functionset|ens\.rule\.functionset)\)\./, '')
    .replace(/^\.\./, '');
  const text = (index: number): string => {
    const node = given[index];
    return node === undefined ? "''" : asText(codeOf(node, context), context);
  };
  const numbers = (from: number): string[] =>
    given.slice(from).map((one) => asNumber(codeOf(one, context), context));
  const make = CALLS[longName(plain)];
  if (make !== undefined) return make({ given, context, text, numbers });
  const [, list] =
    /^((?:request|response|context|callrequest|callresponse)\b[\w.]*)\.(?:Count|Size)$/i.exec(
      name,
    ) ?? [];
  if (list !== undefined) return asTyped(`(${context.read(list)} ?? []).length`, 'number');
  const isNew = /^##class\([\w.]+\)\.%New$/i.test(name) && given.length === 0;
  if (isNew && !/\((?:Ens|EnsLib|HS|%)/.test(name)) return asTyped('{}', 'any');
  throw new NoCounterpart(`calls ${name}`);
}
