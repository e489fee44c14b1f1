import * as acorn from 'acorn';

/** A node of the syntax tree. */
export interface Syntax {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  // biome-ignore lint/suspicious/noExplicitAny: each type of node has parts of its own
  // oxlint-disable-next-line typescript/no-explicit-any -- each type of node has parts of its own
  readonly [part: string]: any;
}

/** A comment of the script, including its delimiters. */
export interface Comment {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface ParsedScript {
  /** The text that the positions of nodes refer to. */
  readonly source: string;
  readonly body: readonly Syntax[];
  readonly comments: readonly Comment[];
}

/** Why a script cannot be parsed. */
export class ScriptFault extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: acorn declares neither what a plugin overrides nor its nodes
// oxlint-disable-next-line typescript/no-explicit-any -- see above
type Internal = any;

/** The parts of acorn's parser that a plugin overrides and uses; its own declarations do not name them. */
interface Parts {
  type: Internal;
  value: Internal;
  start: number;
  end: number;
  pos: number;
  input: string;
  exprAllowed: boolean;
  lastTokEndLoc: Internal;
  next(): void;
  nextToken(): void;
  eat(type: Internal): boolean;
  expect(type: Internal): void;
  raise(position: number, message: string): never;
  startNode(): Internal;
  startNodeAt(start: number, location: Internal): Internal;
  finishNode(node: Internal, type: string): Internal;
  finishNodeAt(node: Internal, type: string, end: number, location: Internal): Internal;
  finishToken(type: Internal, value: string): void;
  getTokenFromCode(code: number): void;
  parseForStatement(node: Internal): Internal;
  parseSubscript(
    left: Internal,
    start: number,
    location: Internal,
    ...more: readonly unknown[]
  ): Internal;
  parseExprAtom(...given: readonly unknown[]): Internal;
  parseExpression(): Internal;
  parseIdent(liberal: boolean): Internal;
  toAssignable(node: Internal, ...more: readonly unknown[]): Internal;
  checkLValSimple(node: Internal, ...more: readonly unknown[]): void;
}

const { tokTypes } = acorn;
const AT: Internal = new (acorn as Internal).TokenType('@');

/** JavaScript with E4X as Rhino reads it: `for each`, `..name`, `.@name`, `.*`, `.(…)`, `a::b`, XML literals. */
// oxlint-disable-next-line max-lines-per-function -- a class that extends the parser it is given
function e4x(base: new (...given: Internal[]) => Parts): Internal {
  return class extends base {
    override getTokenFromCode(code: number): void {
      if (code !== 64) return super.getTokenFromCode(code);
      this.pos += 1;
      return this.finishToken(AT, '@');
    }

    override parseForStatement(node: Internal): Internal {
      if (!/^\s+each\s*\(/.test(this.input.slice(this.end, this.end + 100))) {
        return super.parseForStatement(node);
      }
      this.next();
      node.eachStart = this.start;
      node.eachEnd = this.end;
      const made = super.parseForStatement(node);
      if (made.type !== 'ForInStatement') this.raise(node.eachStart, 'for each needs in');
      made.isEach = true;
      return made;
    }

    override parseSubscript(
      left: Internal,
      start: number,
      location: Internal,
      ...more: readonly unknown[]
    ): Internal {
      if (this.type !== tokTypes.dot) {
        return super.parseSubscript(left, start, location, ...more);
      }
      const after = this.input.slice(this.end).match(/^\s*(\.\s*@?|@|\*|\()/)?.[1];
      const isNamespaced = /^\s*[\w$*]+\s*::/.test(this.input.slice(this.end));
      if (after === undefined && !isNamespaced) {
        return super.parseSubscript(left, start, location, ...more);
      }
      const node = this.startNodeAt(start, location);
      node.object = left;
      node.dot = this.start;
      node.isDescendants = after?.startsWith('.') === true;
      this.next();
      if (node.isDescendants) this.next();
      if (!node.isDescendants && this.type === tokTypes.parenL) return this.filter(node);
      node.isAttribute = this.eat(AT);
      if (this.type === tokTypes.bracketL) {
        this.next();
        node.computed = this.parseExpression();
        this.expect(tokTypes.bracketR);
      } else {
        this.qualified(node);
      }
      return this.finishNode(node, 'E4xMember');
    }

    override toAssignable(node: Internal, ...more: readonly unknown[]): Internal {
      return node?.type === 'E4xMember' ? node : super.toAssignable(node, ...more);
    }

    override checkLValSimple(node: Internal, ...more: readonly unknown[]): void {
      if (node?.type !== 'E4xMember') super.checkLValSimple(node, ...more);
    }

    filter(node: Internal): unknown {
      this.next();
      node.condition = this.parseExpression();
      this.expect(tokTypes.parenR);
      return this.finishNode(node, 'E4xFilter');
    }

    /** `name`, `*`, `space::name`, `*::name`. */
    qualified(node: Internal): void {
      node.name = this.part();
      if (!this.isQualifier()) return;
      node.space = node.name;
      this.next();
      this.next();
      if (this.type === tokTypes.bracketL) {
        this.next();
        node.computed = this.parseExpression();
        this.expect(tokTypes.bracketR);
      } else node.name = this.part();
    }

    isQualifier(): boolean {
      return this.type === tokTypes.colon && this.input[this.end] === ':';
    }

    part(): string {
      if (this.eat(tokTypes.star)) return '*';
      return this.parseIdent(true).name;
    }

    override parseExprAtom(...given: readonly unknown[]): Internal {
      if (this.type === AT) return this.ownAttribute();
      const isXml = this.type === tokTypes.relational && this.value === '<';
      return isXml ? this.literal() : super.parseExprAtom(...given);
    }

    ownAttribute(): unknown {
      const node = this.startNode();
      this.next();
      node.name = this.part();
      return this.finishNode(node, 'E4xAttribute');
    }

    literal(): unknown {
      const node = this.startNode();
      const { end, holes } = literalEnd(this.input, this.start);
      if (end < 0) this.raise(this.start, 'this XML has no end');
      node.holes = holes;
      this.pos = end;
      this.exprAllowed = false;
      this.nextToken();
      const made = this.finishNodeAt(node, 'E4xLiteral', end, this.lastTokEndLoc);
      return made;
    }
  };
}

interface Hole {
  readonly start: number;
  readonly end: number;
}

/** Where an XML literal ends, and the expressions in braces in it. */
function literalEnd(
  source: string,
  start: number,
): { readonly end: number; readonly holes: readonly Hole[] } {
  const holes: Hole[] = [];
  let depth = 0;
  let at = start;
  while (at >= 0 && at < source.length) {
    const skipped = SKIPPED.find(([open]) => source.startsWith(open, at));
    if (source[at] === '{') {
      at = holeEnd(source, at, holes);
    } else if (skipped !== undefined) {
      const found = source.indexOf(skipped[1], at);
      at = found < 0 ? -1 : found + skipped[1].length;
    } else if (source[at] === '<') {
      const isClose = source[at + 1] === '/';
      at = tagEnd(source, at, holes);
      if (isClose) depth -= 1;
      else if (source[at - 2] !== '/') depth += 1;
      if (depth === 0) return { end: at, holes };
    } else at += 1;
  }
  return { end: -1, holes };
}

const SKIPPED = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
] as const;

/** The position after the brace that ends an expression. */
function holeEnd(source: string, start: number, holes: Hole[]): number {
  let open = 0;
  let at = start;
  do {
    if (source[at] === '{') open += 1;
    if (source[at] === '}') open -= 1;
    at += 1;
  } while (open > 0 && at < source.length);
  holes.push({ start, end: at });
  return at;
}

/** The position after the `>` of a tag; -1 if there is none. */
function tagEnd(source: string, start: number, holes: Hole[]): number {
  let at = start;
  while (at < source.length && source[at] !== '>') {
    const one = source[at];
    if (one === '{') at = holeEnd(source, at, holes);
    else if (one === '"' || one === "'") {
      const quoted = source.indexOf(one, at + 1);
      if (quoted < 0) return -1;
      at = quoted + 1;
    } else at += 1;
  }
  return at < source.length ? at + 1 : -1;
}

const E4xParser = (acorn.Parser as Internal).extend(e4x);

/** The script is the body of a function: it may return. */
const HEAD = 'function script() {';

/** Parses a script. Positions refer to `source`, which includes what is around it. */
export function parseScript(text: string, form: 'script' | 'module' = 'script'): ParsedScript {
  // `default xml namespace = x` is parsed as an assignment to a name that nothing else uses
  const own = text
    .replaceAll(/\bdefault(\s+)xml(\s+)namespace\b/g, 'defaultxmlnamespace$1$2')
    // Rhino ignores formatting characters
    .replaceAll(/[\u200B-\u200F\u2060\uFEFF\u00AD]/g, '');
  const source = form === 'script' ? `${HEAD}${own}\n}` : own;
  const comments: Comment[] = [];
  try {
    const program: Syntax = E4xParser.parse(source, {
      ecmaVersion: 'latest',
      sourceType: 'script',
      allowHashBang: false,
      onComment: (_isBlock: boolean, _text: string, start: number, end: number) =>
        comments.push({ start, end, text: source.slice(start, end) }),
    });
    const [wrapper] = program['body'] as readonly Syntax[];
    const body =
      form === 'script' ? (wrapper?.['body'].body as readonly Syntax[]) : program['body'];
    if (form === 'script' && program['body'].length > 1)
      throw new ScriptFault('it has one } too many', 1);
    return { source, body, comments };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw faultOf(error);
  }
}

/** Why a translated script is not valid JavaScript; undefined if it is. */
export function moduleFault(text: string, form: 'script' | 'module'): ScriptFault | undefined {
  const source = form === 'script' ? `${HEAD}${text}\n}` : text;
  try {
    acorn.parse(source, { ecmaVersion: 'latest', sourceType: 'module' });
    return undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return faultOf(error);
  }
}

function faultOf(error: SyntaxError): ScriptFault {
  const { line } = (error as SyntaxError & { loc?: { line: number } }).loc ?? { line: 1 };
  return new ScriptFault(error.message.replace(/ \(\d+:\d+\)$/, ''), line);
}

/** What comes before the script in `source`. */
export const headOf = (form: 'script' | 'module'): number => (form === 'script' ? HEAD.length : 0);
