/** Reads an expression of ObjectScript, as in a DTL or BPL, or of a rule. Names have no `_` in them: it joins texts. */

/** Why an expression cannot be translated. */
export class NoCounterpart extends Error {}

export type Node =
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'number'; readonly value: string }
  /** A path of a message or property, `source.{PID:3}` or `source.Address.City`, with indices as `.(k1)`. */
  | { readonly kind: 'read'; readonly what: string }
  | { readonly kind: 'call'; readonly name: string; readonly given: readonly Node[] }
  /** `$select(a:b,c:d)`, `$case(x,a:b,:c)`: conditions, or values, with what they give. */
  | { readonly kind: 'choice'; readonly of: Node | undefined; readonly cases: readonly Case[] }
  | { readonly kind: 'not'; readonly of: Node }
  | { readonly kind: 'sign'; readonly operator: '+' | '-'; readonly of: Node }
  | { readonly kind: 'pattern'; readonly of: Node; readonly pattern: string; readonly is: boolean }
  | {
      readonly kind: 'binary';
      readonly operator: string;
      readonly left: Node;
      readonly right: Node;
    };

/** What it is compared with, undefined for the last one, which takes the rest. */
export type Case = readonly [Node | undefined, Node];

interface Token {
  readonly kind: 'text' | 'number' | 'word' | 'path' | 'mark' | 'pattern';
  readonly text: string;
}

const COULD_NOT = 'has an expression that could not be parsed';

const WORD =
  /##class\([\w.%]+\)\.[A-Za-z\d%]+|\$\$\$[A-Za-z\d]+|\$\$?[A-Za-z\d%^.]+|\.\.[A-Za-z%][A-Za-z\d.%]*|\.[A-Za-z%][A-Za-z\d.%]*|[A-Za-z%][A-Za-z\d.%]*/;
const MARK = /\|\||&&|!=|<=|>=|<>|\*\*|'(?:=|<|>|\[|\]|&|!|\?)|[-+*/_#\\=<>()[\],:'&!?]/;
const TOKEN = new RegExp(
  String.raw`\s*(?:"((?:[^"]|"")*)"|((?:[A-Za-z%][A-Za-z\d.]*\.)?\{[^}]*\})|(\d+(?:\.\d+)?|\.\d+)|(${WORD.source})|(${MARK.source}))`,
  'y',
);
const PATTERN = /\s*((?:\d*\.?\d*(?:[ACELNPUaclnpue]+|"(?:[^"]|"")*"))+)/y;

function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  const end = source.trimEnd().length;
  let at = 0;
  const take = (of: RegExp): RegExpExecArray => {
    of.lastIndex = at;
    const found = of.exec(source);
    if (found === null) throw new NoCounterpart(COULD_NOT);
    at = of.lastIndex;
    return found;
  };
  while (at < end) {
    const [, text, path, number, word, mark] = take(TOKEN);
    if (text !== undefined) tokens.push({ kind: 'text', text: text.replaceAll('""', '"') });
    else if (number !== undefined)
      tokens.push({ kind: 'number', text: number.replace(/^0+(?=\d)/, '') });
    else if (path !== undefined) tokens.push({ kind: 'path', text: path });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else tokens.push({ kind: 'mark', text: mark ?? '' });
    if (mark === '?' || mark === "'?")
      tokens.push({ kind: 'pattern', text: take(PATTERN)[1] ?? '' });
  }
  return tokens;
}

/** An expression of a rule, whose operators have the usual precedence. */
export const ruleExpression = (source: string): Node => new Reading(source, LEVELS).whole();

/**
 * An expression of ObjectScript, which knows no precedence: it reads `a = 1 && b = 2` as `((a = 1) && b) = 2`. Throws
 * where that is another value than what it looks like.
 */
export function objectScript(source: string): Node {
  const asRead = new Reading(source, []).whole();
  const asItLooks = new Reading(source, LEVELS).whole();
  if (JSON.stringify(asRead) !== JSON.stringify(asItLooks))
    throw new NoCounterpart('mixes operators without parentheses');
  return asRead;
}

/** From the weakest on. */
const LEVELS: readonly (readonly string[])[] = [
  ['||', 'or', '!'],
  ['&&', '&', 'and'],
  "= != '= <> < > <= >= '< '> [ '[ ] '] ? '? contains startswith doesnotcontain doesnotstartwith".split(
    ' ',
  ),
  ['_'],
  ['+', '-'],
  ['*', '/', '\\', '#', '**'],
];

const OPERATORS: ReadonlySet<string> = new Set(LEVELS.flat());

/** Other ways of writing an operator. */
const SAME: Readonly<Record<string, string>> = {
  or: '||',
  '!': '||',
  and: '&&',
  '&': '&&',
  '!=': "'=",
  '<>': "'=",
};

class Reading {
  readonly #tokens: readonly Token[];
  /** None for ObjectScript: from left to right. */
  readonly #levels: readonly (readonly string[])[];
  #at = 0;

  constructor(source: string, levels: readonly (readonly string[])[]) {
    this.#tokens = tokensOf(source);
    this.#levels = levels;
  }

  whole(): Node {
    const made = this.#expression(0);
    if (this.#at < this.#tokens.length) throw new NoCounterpart(COULD_NOT);
    return made;
  }

  get #operator(): string | undefined {
    const next = this.#tokens[this.#at];
    if (next?.kind !== 'mark' && next?.kind !== 'word') return undefined;
    const text = next.text.toLowerCase();
    return OPERATORS.has(text) ? text : undefined;
  }

  #is(mark: string): boolean {
    const next = this.#tokens[this.#at];
    return next?.kind === 'mark' && next.text === mark;
  }

  #take(): Token {
    const next = this.#tokens[this.#at];
    if (next === undefined) throw new NoCounterpart('has an unterminated expression');
    this.#at += 1;
    return next;
  }

  #close(mark: string): void {
    if (!this.#is(mark)) throw new NoCounterpart(`lacks a ${mark}`);
    this.#at += 1;
  }

  #expression(level: number): Node {
    const own = this.#levels.length === 0 ? undefined : this.#levels[level];
    const isLast = this.#levels.length === 0 || own === undefined;
    if (this.#levels.length > 0 && isLast) return this.#operand();
    const inner = (): Node => (own === undefined ? this.#operand() : this.#expression(level + 1));
    let left = inner();
    for (
      let operator = this.#operator;
      operator !== undefined && (own === undefined || own.includes(operator));
      operator = this.#operator
    ) {
      this.#at += 1;
      if (operator === '?' || operator === "'?") {
        left = { kind: 'pattern', of: left, pattern: this.#take().text, is: operator === '?' };
        continue;
      }
      left = { kind: 'binary', operator: SAME[operator] ?? operator, left, right: inner() };
    }
    return left;
  }

  #operand(): Node {
    const one = this.#take();
    if (one.kind === 'text') return { kind: 'text', value: one.text };
    if (one.kind === 'number') return { kind: 'number', value: one.text };
    if (one.kind === 'path') return this.#members({ kind: 'read', what: one.text });
    if (one.kind === 'word') return this.#word(one.text);
    if (one.text === '(') {
      const made = this.#expression(0);
      this.#close(')');
      return made;
    }
    if (one.text === '!' || one.text === "'") return { kind: 'not', of: this.#operand() };
    if (one.text === '-' || one.text === '+')
      return { kind: 'sign', operator: one.text, of: this.#operand() };
    throw new NoCounterpart(COULD_NOT);
  }

  #word(name: string): Node {
    if (name.endsWith('.') || !this.#is('(')) return this.#members({ kind: 'read', what: name });
    this.#at += 1;
    if (/^\$(?:s|select)$/i.test(name)) return this.#choice(undefined);
    if (/^\$case$/i.test(name)) {
      const of = this.#expression(0);
      this.#close(',');
      return this.#choice(of);
    }
    return this.#members(called(name, this.#given()));
  }

  #given(): Node[] {
    const given: Node[] = [];
    while (!this.#is(')')) {
      if (this.#is(',')) {
        given.push({ kind: 'text', value: '' });
        this.#at += 1;
        continue;
      }
      given.push(this.#expression(0));
      if (!this.#is(',')) break;
      this.#at += 1;
    }
    this.#close(')');
    return given;
  }

  #choice(of: Node | undefined): Node {
    const cases: Case[] = [];
    do {
      if (this.#is(',')) this.#at += 1;
      const test = this.#is(':') ? undefined : this.#expression(0);
      this.#close(':');
      cases.push([test, this.#expression(0)]);
    } while (this.#is(','));
    this.#close(')');
    return { kind: 'choice', of, cases };
  }

  /** What follows an object: `.Name`, `.(k1)`, `.GetAt(k1)`. */
  #members(of: Node): Node {
    if (of.kind !== 'read') return of;
    if (of.what.endsWith('.') && this.#is('(')) {
      this.#at += 1;
      const [index] = this.#given();
      return this.#members({ kind: 'read', what: `${of.what}${indexOf(index)}` });
    }
    const next = this.#tokens[this.#at];
    if (next?.kind !== 'word' || !/^\.[A-Za-z%]/.test(next.text)) return of;
    this.#at += 1;
    const name = `${of.what}${next.text}`;
    if (!this.#is('(') || name.endsWith('.')) return this.#members({ kind: 'read', what: name });
    this.#at += 1;
    return this.#members(called(name, this.#given()));
  }
}

function indexOf(index: Node | undefined): string {
  if (index?.kind === 'number') return `(${index.value})`;
  if (index?.kind === 'read' && /^\w+$/.test(index.what)) return `(${index.what})`;
  if (index?.kind === 'text' && /^[\w-]+$/.test(index.value)) return `("${index.value}")`;
  throw new NoCounterpart('has an index that is computed');
}

/** Methods that only read are paths. */
function called(name: string, given: readonly Node[]): Node {
  const [, of = '', method = ''] = /^(.*)\.(\w+)$/.exec(name) ?? [];
  const [first] = given;
  if (/^GetValueAt$/i.test(method) && first?.kind === 'text' && !of.startsWith('##'))
    return { kind: 'read', what: `${of}.{${first.value}}` };
  if (/^GetAt$/i.test(method) && given.length === 1)
    return { kind: 'read', what: `${of}.${indexOf(first)}` };
  return { kind: 'call', name, given };
}

/** Of the functions that have a short name, as `$p`. */
const LONG: Readonly<Record<string, string>> = {
  $p: '$piece',
  $e: '$extract',
  $l: '$length',
  $tr: '$translate',
  $zcvt: '$zconvert',
  $c: '$char',
  $g: '$get',
  $zd: '$zdate',
  $zdt: '$zdatetime',
};

/** The name of a function, given in lower case, that may be written short. */
export const longName = (name: string): string => LONG[name] ?? name;
