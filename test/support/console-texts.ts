import { globSync, readFileSync } from 'node:fs';
import { parseSync } from 'rolldown/utils';

/** The texts in a file of the console. */
export interface Texts {
  /** The English texts that go through `t` and `rich`. */
  readonly keys: readonly string[];
  /** Texts that users would see in English regardless of their language, with their place. */
  readonly raw: readonly string[];
}

/** A node of the syntax tree of JavaScript (ESTree), of which only a few kinds matter here. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly [part: string]: unknown;
}

/** How a text at a place counts: users see it, they see it if it looks like text, or they do not. */
type Reading = 'read' | 'maybe' | 'unread';

/** Attributes and properties whose value users see. */
const LABELS = new Set(
  'aria-label aria-description aria-roledescription aria-valuetext alt caption description detail'
    .concat(' heading hint label lead placeholder text title')
    .split(' '),
);
/** Elements whose text is the same in every language. */
const VERBATIM = new Set(['kbd', 'code']);
/** Wrappers of TypeScript around an expression; its other nodes are types. */
const WRAPPERS = new Set(['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression']);
const FUNCTIONS = new Set(['ArrowFunctionExpression', 'FunctionExpression', 'FunctionDeclaration']);

/** Functions that take a selector, a media query or the name of an export. */
const QUERIES = /^(?:lazyPart|querySelector|querySelectorAll|matches|closest|matchMedia|useMedia)$/;

/** Whether a visible text has to be translated: single letters, abbreviations and the product's name do not. */
const isWords = (text: string): boolean =>
  /\p{L}\p{Ll}|\p{Ll}\p{L}/u.test(text.replaceAll('Waybill', ''));

/** Whether a text looks like text for users: two words or a capital letter, and not CSS classes. */
const isProse = (text: string): boolean =>
  isWords(text) &&
  /\p{L}{2,}[,:;]? \p{L}{2,}|^\p{Lu}\p{Ll}+/u.test(text) &&
  !/(?:^|\s)!?[a-z]+[-:[][a-z0-9]/.test(text);

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
const nodesOf = (value: unknown): Node[] => [value].flat().filter(isNode);
/** The name of an identifier, or the key of a property written as a string. */
const nameOf = (value: unknown): string => {
  const [node] = nodesOf(value);
  return [node?.['name'], node?.['value']].find((name) => typeof name === 'string') ?? '';
};

/** The text of a literal, with `{}` for its expressions; undefined for anything else. */
function textOf(node: Node | undefined): string | undefined {
  if (node?.type === 'TemplateLiteral')
    return nodesOf(node['quasis'])
      .map(({ value }) => (value as { readonly cooked: string }).cooked)
      .join('{}');
  return node?.type === 'Literal' && typeof node['value'] === 'string' ? node['value'] : undefined;
}

/** Finds the texts of one file of TypeScript, by its syntax tree. */
export function textsOf(file: string, source = readFileSync(file, 'utf8')): Texts {
  const { program, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const keys: string[] = [];
  const raw: string[] = [];
  const report = ({ start }: Node, text: string): void => {
    const line = source.slice(0, start).split('\n').length;
    raw.push(`${file}:${line} ${text.replaceAll(/\s+/g, ' ').trim()}`);
  };
  const all = (value: unknown, reading: Reading): void => {
    for (const node of nodesOf(value)) look(node, reading);
  };
  const takeKey = (call: Node): void => {
    const [first, ...rest] = nodesOf(call['arguments']);
    const key = textOf(first);
    if (key === undefined || key.includes('{}')) report(call, 'the text of t() is not written out');
    else keys.push(key);
    all(rest, 'maybe');
  };
  const element = ({ openingElement, children }: Node): void => {
    const { name, attributes } = openingElement as Node;
    for (const attribute of nodesOf(attributes)) {
      const isLabel = LABELS.has(nameOf(attribute['name']));
      all(attribute['value'] ?? attribute['argument'], isLabel ? 'read' : 'unread');
    }
    if (VERBATIM.has(nameOf(name)))
      all(
        nodesOf(children).filter(({ type }) => type !== 'JSXText'),
        'unread',
      );
    else all(children, 'read');
  };
  /** How each kind of node judges its parts. */
  const kinds: Readonly<Record<string, (node: Node, reading: Reading) => void>> = {
    ImportDeclaration: () => undefined,
    ImportExpression: () => undefined,
    JSXElement: element,
    JSXFragment: ({ children }) => all(children, 'read'),
    JSXExpressionContainer: ({ expression }, reading) => all(expression, reading),
    JSXText: (node) => {
      if (isWords(node['value'] as string)) report(node, node['value'] as string);
    },
    CallExpression: (node, reading) => {
      const { callee, arguments: given } = node;
      if (['t', 'rich'].includes(nameOf(callee))) return takeKey(node);
      all(callee, 'maybe');
      const called = nameOf((callee as Node)['property'] ?? callee);
      return all(given, reading === 'unread' || QUERIES.test(called) ? 'unread' : 'maybe');
    },
    ConditionalExpression: ({ test, consequent, alternate }, reading) => {
      all(test, 'unread');
      all([consequent, alternate], reading);
    },
    LogicalExpression: ({ left, operator, right }, reading) => {
      all(left, operator === '&&' ? 'unread' : reading);
      all(right, reading);
    },
    BinaryExpression: ({ left, operator, right }, reading) =>
      all([left, right], operator === '+' ? reading : 'unread'),
    // the name of an error class is for programs
    AssignmentExpression: ({ left, right }) =>
      all(right, nameOf((left as Node)['property']) === 'name' ? 'unread' : 'maybe'),
    ArrayExpression: ({ elements }, reading) => all(elements, reading),
    MemberExpression: ({ object, computed, property }) => {
      all(object, 'maybe');
      if (computed === true) all(property, 'unread');
    },
    SwitchCase: ({ consequent }) => all(consequent, 'maybe'),
    Property: ({ key, value }, reading) => {
      const normal = reading === 'unread' ? 'unread' : 'maybe';
      all(value, LABELS.has(nameOf(key)) ? 'read' : normal);
    },
    TemplateLiteral: ({ expressions }, reading) => all(expressions, reading),
  };
  function look(node: Node, reading: Reading): void {
    const text = textOf(node);
    if (text !== undefined && (reading === 'read' ? isWords(text) : isProse(text)))
      if (reading !== 'unread') report(node, text);
    if (WRAPPERS.has(node.type)) return all(node['expression'], reading);
    if (node.type.startsWith('TS')) return undefined;
    const known = kinds[node.type];
    if (known !== undefined) return known(node, reading);
    // what is created inside a function is judged separately
    const inside = reading === 'unread' && !FUNCTIONS.has(node.type) ? 'unread' : 'maybe';
    return all(Object.values(node).flat(), inside);
  }
  all(program, 'maybe');
  return { keys, raw };
}

/** `{name}`, `{name|…}` and `<name>` of a text. */
export function placesOf(text: string): string[] {
  const names = [...text.matchAll(/\{(\w+)(?:\|[^{}]*)?\}|<(\w+)>/g)].map(
    ([, a, b]) => a ?? b ?? '',
  );
  return [...new Set(names)].toSorted();
}

/** The files of each folder of the console that may contain texts. */
export function consoleFolders(): ReadonlyMap<string, readonly string[]> {
  const files = globSync('console/src/*/**/*.{ts,tsx}').toSorted();
  return Map.groupBy(
    files.filter((file) => !file.startsWith('console/src/language/')),
    (file) => file.split('/')[2] ?? '',
  );
}
