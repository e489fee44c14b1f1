import { elementsNamed, number, type XmlNode, type XmlTree } from '../tree.ts';
import { AXES } from './axis.ts';
import { BINARY, compare, functionCall, templateCall } from './functions.ts';
import { asFlag, asNumber, type Context, type Evaluate, isNodes, type Value } from './value.ts';

/** Why a text is not an XPath, and where. */
export class XPathFault extends Error {
  override readonly name = 'XPathFault';
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** How deep expressions may be nested. */
const DEPTH = 64;
const LENGTH = 4_096;

/** Compiles an XPath 1.0 expression. Throws XPathFault. */
export function parseXPath(text: string): Evaluate {
  if (text.length > LENGTH) throw new XPathFault(`it is longer than ${LENGTH} characters`, LENGTH);
  const tokens = tokensOf(text);
  if (tokens === undefined) throw new XPathFault('it has a character that has no meaning there', 0);
  const parser = new Parser(tokens);
  return parser.whole();
}

/** Operators by precedence, from the loosest to the tightest. */
const LEVELS = [
  ['or'],
  ['and'],
  ['=', '!='],
  ['<', '<=', '>', '>='],
  ['+', '-'],
  ['*', 'div', 'mod'],
] as const;

const ANY: Step = { axis: 'descendant-or-self', test: () => true, predicates: [] };
const NODE_TYPES: ReadonlySet<string> = new Set([
  'node',
  'text',
  'comment',
  'processing-instruction',
]);

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Evaluate {
    const all = this.#expression();
    if (this.#peek().kind !== 'end') throw this.#fault('it should end here');
    return all;
  }

  #expression(): Evaluate {
    if (++this.#depth > DEPTH) throw this.#fault('it is nested too deeply');
    const made = this.#binary(0);
    this.#depth--;
    return made;
  }

  #binary(level: number): Evaluate {
    const operators: readonly string[] | undefined = LEVELS[level];
    if (operators === undefined) return this.#negation();
    let left = this.#binary(level + 1);
    for (;;) {
      const { kind, text } = this.#peek();
      if (kind !== 'operator' || !operators.includes(text)) return left;
      this.#next++;
      const [first, second] = [left, this.#binary(level + 1)];
      const run = BINARY[text] ?? compare(text);
      left = (context) => run(first, second, context);
    }
  }

  #negation(): Evaluate {
    let times = 0;
    while (this.#takes('operator', '-')) times++;
    const value = this.#union();
    if (times === 0) return value;
    const sign = times % 2 === 0 ? 1 : -1;
    return (context) => sign * asNumber(value(context), context.budget);
  }

  #union(): Evaluate {
    const parts = [this.#path()];
    while (this.#takes('operator', '|')) parts.push(this.#path());
    const [only] = parts;
    if (only !== undefined && parts.length === 1) return only;
    return (context) =>
      ordered(
        parts.flatMap((part) => this.#nodes(part(context))),
        context,
      );
  }

  #nodes(value: Value): readonly XmlNode[] {
    if (isNodes(value)) return value;
    throw new XPathFault('there is a value where nodes are needed', 0);
  }

  #path(): Evaluate {
    const primary = this.#primary();
    if (primary !== undefined) return this.#behind(primary);
    const { kind, text } = this.#peek();
    if (kind === 'mark' && (text === '/' || text === '//')) {
      this.#next++;
      const steps = text === '//' ? [ANY] : [];
      if (text === '//' || this.#beginsStep()) this.#steps(steps);
      return walk(({ tree }) => [tree.root], steps);
    }
    const steps: Step[] = [];
    this.#steps(steps);
    return walk(({ node }) => [node], steps);
  }

  /** A literal, a call or brackets; undefined if a path begins here. */
  #primary(): Evaluate | undefined {
    const token = this.#peek();
    const { kind, text } = token;
    if (kind === 'text' || kind === 'number') {
      this.#next++;
      const value = kind === 'text' ? text : Number(text);
      return () => value;
    }
    if (kind === 'mark' && text === '(') {
      this.#next++;
      const inner = this.#expression();
      this.#expect(')');
      return inner;
    }
    return this.#call(token);
  }

  #call({ kind, text, at }: Token): Evaluate | undefined {
    if (kind !== 'name' || this.#peek(1).text !== '(' || NODE_TYPES.has(text)) return undefined;
    this.#next += 2;
    if (text === 'template') return this.#template(at);
    const given: Evaluate[] = [];
    while (!this.#takes('mark', ')')) {
      if (given.length > 0) this.#expect(',');
      given.push(this.#expression());
    }
    const call = functionCall(text, given);
    if (typeof call === 'string') throw new XPathFault(call, at);
    return call;
  }

  /** The title must be written out, so that a wrong one is found before there is a message. */
  #template(at: number): Evaluate {
    const { kind, text } = this.#peek();
    if (kind === 'text') this.#next++;
    const call = templateCall(kind === 'text' ? text : undefined);
    if (typeof call === 'string') throw new XPathFault(call, at);
    this.#expect(')');
    return call;
  }

  /** What may follow a primary expression: predicates, and a path from its nodes. */
  #behind(primary: Evaluate): Evaluate {
    const predicates = this.#predicates();
    const steps: Step[] = [];
    if (this.#takes('mark', '//')) {
      steps.push(ANY);
      this.#steps(steps);
    } else if (this.#takes('mark', '/')) this.#steps(steps);
    if (predicates.length === 0 && steps.length === 0) return primary;
    const start = (context: Context): readonly XmlNode[] =>
      predicates.reduce<readonly XmlNode[]>(
        (nodes, predicate) => kept(nodes, predicate, context),
        this.#nodes(primary(context)),
      );
    return walk(start, steps);
  }

  #steps(steps: Step[]): void {
    this.#add(steps, this.#step());
    for (;;) {
      if (this.#takes('mark', '//')) steps.push(ANY);
      else if (!this.#takes('mark', '/')) return;
      this.#add(steps, this.#step());
    }
  }

  /** `//name` without a predicate is a descendant step: then nothing has to be sorted. */
  #add(steps: Step[], step: Step): void {
    const { axis, only, predicates } = step;
    const below = steps.at(-1) === ANY && axis === 'child';
    if (!below || only !== undefined || predicates.length > 0) steps.push(step);
    else steps[steps.length - 1] = { ...step, axis: 'descendant' };
  }

  #beginsStep(): boolean {
    const { kind, text } = this.#peek();
    return kind === 'name' || (kind === 'mark' && ['@', '.', '..'].includes(text));
  }

  #step(): Step {
    if (this.#takes('mark', '.')) return { axis: 'self', test: () => true, predicates: [] };
    if (this.#takes('mark', '..')) return { axis: 'parent', test: () => true, predicates: [] };
    let axis = 'child';
    if (this.#takes('mark', '@')) axis = 'attribute';
    else if (this.#peek(1).text === '::') {
      axis = this.#peek().text;
      if (!Object.hasOwn(AXES, axis)) throw this.#fault(`there is no axis ${axis}`);
      this.#next += 2;
    }
    const { text } = this.#peek();
    const local = /[:*]/.test(text) || this.#peek(1).text === '(' ? undefined : text;
    const test = this.#test(axis);
    return { axis, test, local, only: this.#only(), predicates: this.#predicates() };
  }

  #test(axis: string): Step['test'] {
    const { kind, text } = this.#peek();
    if (kind !== 'name') throw this.#fault('a name is missing');
    this.#next++;
    if (!this.#takes('mark', '(')) return nameTest(text, axis);
    const target = this.#peek();
    if (target.kind === 'text') this.#next++;
    this.#expect(')');
    const made = kindTest(text, target.kind === 'text' ? target.text : undefined);
    if (made === undefined) throw this.#fault(`there is no ${text}()`);
    return made;
  }

  /** The number, if the first predicate is only a number. */
  #only(): number | undefined {
    const [open, digits, close] = [this.#peek(), this.#peek(1), this.#peek(2)];
    const isNumber = /^[1-9]\d{0,8}$/.test(digits.text) && digits.kind === 'number';
    if (open.text !== '[' || close.text !== ']' || !isNumber) return undefined;
    this.#next += 3;
    return Number(digits.text);
  }

  #predicates(): Evaluate[] {
    const predicates: Evaluate[] = [];
    while (this.#takes('mark', '[')) {
      predicates.push(this.#expression());
      this.#expect(']');
    }
    return predicates;
  }

  #peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)] as Token;
  }

  #takes(kind: Token['kind'], text: string): boolean {
    const token = this.#peek();
    if (token.kind !== kind || token.text !== text) return false;
    this.#next++;
    return true;
  }

  #expect(mark: string): void {
    if (!this.#takes('mark', mark)) throw this.#fault(`${mark} is missing`);
  }

  #fault(why: string): XPathFault {
    return new XPathFault(why, this.#peek().at);
  }
}

function walk(start: (context: Context) => readonly XmlNode[], steps: readonly Step[]): Evaluate {
  return (context) => {
    let nodes = start(context);
    for (const step of steps) nodes = stepFrom(nodes, step, context);
    return nodes;
  };
}

/** A token: a number, a text, a name, an operator or a mark. */
interface Token {
  readonly kind: 'number' | 'text' | 'name' | 'operator' | 'mark' | 'end';
  /** The content of a text token. */
  readonly text: string;
  readonly at: number;
}

const NAME = String.raw`[\p{L}_][\p{L}\p{M}\p{N}_.·-]*`;
const TOKEN = new RegExp(
  [
    String.raw`(?<blank>\s+)`,
    String.raw`(?<text>"[^"]*"|'[^']*')`,
    String.raw`(?<number>\d+(?:\.\d*)?|\.\d+)`,
    String.raw`(?<name>${NAME}(?::(?!:)(?:\*|${NAME}))?)`,
    String.raw`(?<mark>::|\.\.|\/\/|[<>!]=|[-+*=<>|/()[\].@,])`,
  ].join('|'),
  'uy',
);
const WORDS: ReadonlySet<string> = new Set(['and', 'or', 'div', 'mod']);
const OPERATORS: ReadonlySet<string> = new Set('+ - = != < <= > >= |'.split(' '));

/** Splits an XPath into tokens; undefined if it contains anything else. */
function tokensOf(xpath: string): Token[] | undefined {
  const tokens: Token[] = [];
  let at = 0;
  while (at < xpath.length) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(xpath)?.groups;
    if (found === undefined) return undefined;
    const { blank, text, number: digits, name, mark } = found;
    if (blank === undefined) {
      if (text !== undefined) tokens.push({ kind: 'text', text: text.slice(1, -1), at });
      else if (digits !== undefined) tokens.push({ kind: 'number', text: digits, at });
      else tokens.push(word(name ?? mark ?? '', name !== undefined, at, tokens.at(-1)));
    }
    at = TOKEN.lastIndex;
  }
  return [...tokens, { kind: 'end', text: '', at }];
}

/** After an operand, `*` and the words are operators; anywhere else they are names (XPath 1.0 §3.7). */
function word(text: string, isName: boolean, at: number, before: Token | undefined): Token {
  const operand = before !== undefined && endsOperand(before);
  if (OPERATORS.has(text)) return { kind: 'operator', text, at };
  if (operand && (text === '*' || WORDS.has(text))) return { kind: 'operator', text, at };
  return { kind: isName || text === '*' ? 'name' : 'mark', text, at };
}

function endsOperand({ kind, text }: Token): boolean {
  if (kind === 'mark') return text === ')' || text === ']' || text === '.' || text === '..';
  return kind !== 'operator';
}

type Test = (node: XmlNode, tree: XmlTree) => boolean;

interface Step {
  readonly axis: string;
  readonly test: Test;
  /** The local name, if that is all it requires of an element. */
  readonly local?: string | undefined;
  /** Only the node with this number is wanted, and those after it need not be looked at. */
  readonly only?: number | undefined;
  readonly predicates: readonly Evaluate[];
}

/** The cost of finding a node's position, compared with looking at a node. */
const SORTING = 8;

const XML = 'http://www.w3.org/XML/1998/namespace';

/** Selects nodes by name. Without a prefix, elements match in any namespace, attributes in none. */
function nameTest(name: string, axis: string): Test {
  const kind = axis === 'attribute' ? 'attribute' : 'element';
  if (name === '*') return (node) => node.kind === kind;
  const [prefix = '', local = ''] = name.includes(':') ? name.split(':') : ['', name];
  if (prefix === '') {
    return kind === 'element'
      ? (node) => node.kind === 'element' && node.local === local
      : (node) => node.kind === 'attribute' && node.local === local && node.uri === '';
  }
  return (node, { namespaces }) => {
    if (node.kind !== kind) return false;
    const uri = prefix === 'xml' ? XML : namespaces.get(prefix);
    return uri !== undefined && node.uri === uri && (local === '*' || node.local === local);
  };
}

/**
 * Selects nodes by kind: `text()`, `node()`, `comment()`, `processing-instruction()`; undefined if
 * there is no such test.
 */
function kindTest(kind: string, target: string | undefined): Test | undefined {
  if (kind === 'node') return () => true;
  if (kind === 'text') return (node) => node.kind === 'text' || node.kind === 'cdata';
  if (kind === 'comment') return (node) => node.kind === 'comment';
  if (kind !== 'processing-instruction') return undefined;
  return (node) => node.kind === 'instruction' && (target === undefined || node.name === target);
}

/** The nodes that a step reaches from others, in document order, each once. */
function stepFrom(nodes: readonly XmlNode[], step: Step, context: Context): readonly XmlNode[] {
  const [only] = nodes;
  if (only !== undefined && nodes.length === 1) {
    return inOrder(reached(only, step, context), context);
  }
  const found: XmlNode[] = [];
  for (const node of nodes) for (const one of reached(node, step, context)) found.push(one);
  return ordered(found, context);
}

function reached(node: XmlNode, step: Step, context: Context): readonly XmlNode[] {
  const { axis, test, predicates, only, local } = step;
  const { tree, budget } = context;
  let found: XmlNode[] = [];
  if (only !== undefined && local !== undefined && axis === 'child' && node.kind === 'element') {
    // in a loop over many, each would look at all those before it
    budget.spend(node.named?.has(local) === true ? 1 : node.children.length);
    const one = elementsNamed(node, local)[only - 1];
    return one === undefined
      ? []
      : predicates.reduce((left, each) => kept(left, each, context), [one as XmlNode]);
  }
  const along = AXES[axis];
  along?.(
    node,
    (one) => {
      budget.spend(1);
      return test(one, tree) && found.push(one) === only;
    },
    tree,
  );
  if (only !== undefined) found = found.slice(only - 1, only);
  for (const predicate of predicates) found = kept(found, predicate, context);
  return found;
}

/** Those for which a predicate is true; a number means a position. */
function kept(
  nodes: readonly XmlNode[],
  predicate: Evaluate,
  { tree, budget }: Context,
): XmlNode[] {
  const size = nodes.length;
  return nodes.filter((node, index) => {
    budget.spend(1);
    const position = index + 1;
    const value: Value = predicate({ tree, node, position, size, budget });
    return typeof value === 'number' ? value === position : asFlag(value);
  });
}

/** The nodes in document order, each once. */
function ordered(nodes: readonly XmlNode[], context: Context): readonly XmlNode[] {
  return inOrder(nodes.length < 2 ? nodes : [...new Set(nodes)], context);
}

function inOrder(nodes: readonly XmlNode[], { tree, budget }: Context): readonly XmlNode[] {
  if (nodes.length < 2) return nodes;
  if (!tree.isNumbered) number(tree);
  const isOrdered = nodes.every(({ order }, at) => at === 0 || order > (nodes[at - 1]?.order ?? 0));
  if (isOrdered) return nodes;
  budget.spend(nodes.length * SORTING);
  return nodes.toSorted((one, other) => one.order - other.order);
}
