/** Translates an expression of a rule or a DTL to CEL. */

/** Why an expression cannot be translated. */
export class NoCounterpart extends Error {}

type Token = { readonly kind: 'text' | 'number' | 'word' | 'path' | 'mark'; readonly text: string };

const TOKEN =
  /\s*(?:"((?:[^"]|"")*)"|(\d+(?:\.\d+)?)|((?:[A-Za-z%][\w.]*\.)?\{[^}]*\})|(##class|\$\$?[\w^.]+|[A-Za-z%][\w.]*)|(\|\||&&|!=|<=|>=|'=|[-+*/_#=<>(),'&!]))/y;

function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.trimEnd().length) {
    const found = TOKEN.exec(source);
    if (found === null) throw new NoCounterpart('has an expression that could not be parsed');
    const [, text, number, path, word, mark] = found;
    if (text !== undefined) tokens.push({ kind: 'text', text: text.replaceAll('""', '"') });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (path !== undefined) tokens.push({ kind: 'path', text: path });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else tokens.push({ kind: 'mark', text: mark ?? '' });
  }
  return tokens;
}

/** Returns the CEL for a value that is read: `{PID:…}` of the message, or a property. */
export type Read = (what: string) => string;

export const celOf = (source: string, read: Read): string => new Translation(source, read).whole();

/**
 * The same for ObjectScript, as in a DTL, which knows no precedence: it reads `a = 1 && b = 2` as `((a = 1) && b) = 2`.
 * Throws where that is another value than what it looks like.
 */
export function celOfObjectScript(source: string, read: Read): string {
  const levels: string[][] = [[]];
  for (const { kind, text } of tokensOf(source)) {
    if (kind === 'mark' && text === '(') levels.push([]);
    else if (kind === 'mark' && (text === ')' || text === ',')) {
      if (text === ')') levels.pop();
      else levels[levels.length - 1] = [];
    } else if (kind === 'mark' && text !== "'") levels.at(-1)?.push(text === '&' ? '&&' : text);
    const own = levels.at(-1) ?? [];
    const [first = ''] = own;
    const isPlain =
      (own.every((one) => one === first) && !(first in COMPARISONS && own.length > 1)) ||
      own.slice(0, -1).every((one) => one === '_');
    if (!isPlain) throw new NoCounterpart('mixes operators without parentheses');
  }
  return celOf(source, read);
}

const COMPARISONS: Readonly<Record<string, string>> = {
  '=': '==',
  '!=': '!=',
  "'=": '!=',
};

const WORDS: Readonly<Record<string, (left: string, right: string) => string>> = {
  contains: (left, right) => `${left}.contains(${right})`,
  startswith: (left, right) => `${left}.startsWith(${right})`,
  doesnotcontain: (left, right) => `!${left}.contains(${right})`,
  doesnotstartwith: (left, right) => `!${left}.startsWith(${right})`,
};

/** Functions of rules and DTLs → the CEL for their arguments. */
const FUNCTIONS: Readonly<Record<string, (given: readonly string[]) => string>> = {
  contains: ([text = '', part = '']) => `${text}.contains(${part})`,
  doesnotcontain: ([text = '', part = '']) => `!${text}.contains(${part})`,
  startswith: ([text = '', part = '']) => `${text}.startsWith(${part})`,
  doesnotstartwith: ([text = '', part = '']) => `!${text}.startsWith(${part})`,
  in: ([value = '', list = '']) => `split(${list}, ",").exists(one, one == ${value})`,
  notin: ([value = '', list = '']) => `!split(${list}, ",").exists(one, one == ${value})`,
  not: ([value = '']) => `!(${value})`,
  length: ([value = '']) => `size(${value})`,
  toupper: ([value = '']) => `upper(${value})`,
  tolower: ([value = '']) => `lower(${value})`,
  strip: ([value = '']) => `trim(${value})`,
  lookup: ([table = '', key = '', ...more]) =>
    `lookup(${[table, key, ...more.slice(0, 1)].join(', ')})`,
  piece: ([value = '', mark = '"^"', number = '1']) => `piece(${value}, ${mark}, ${number})`,
  replacestr: ([value = '', from = '', to = '']) => `replace(${value}, ${from}, ${to})`,
  if: ([test = '', yes = '', no = '']) => `(${test} ? ${yes} : ${no})`,
};

class Translation {
  readonly #tokens: readonly Token[];
  readonly #read: Read;
  #at = 0;

  constructor(source: string, read: Read) {
    this.#tokens = tokensOf(source);
    this.#read = read;
  }

  whole(): string {
    const made = this.#or();
    if (this.#at < this.#tokens.length)
      throw new NoCounterpart('has an expression that could not be parsed');
    return made;
  }

  #is(...texts: readonly string[]): boolean {
    const next = this.#tokens[this.#at];
    return (
      (next?.kind === 'mark' || next?.kind === 'word') && texts.includes(next.text.toLowerCase())
    );
  }

  #take(): Token {
    const next = this.#tokens[this.#at];
    if (next === undefined) throw new NoCounterpart('has an unterminated expression');
    this.#at += 1;
    return next;
  }

  #or(): string {
    let left = this.#and();
    while (this.#is('||', 'or')) {
      this.#take();
      left = `${left} || ${this.#and()}`;
    }
    return left;
  }

  #and(): string {
    let left = this.#comparison();
    while (this.#is('&&', '&', 'and')) {
      this.#take();
      left = `${left} && ${this.#comparison()}`;
    }
    return left;
  }

  #comparison(): string {
    const left = this.#sum();
    const next = this.#tokens[this.#at];
    const operator = next?.kind === 'mark' ? COMPARISONS[next.text] : undefined;
    if (operator !== undefined) {
      this.#take();
      return `${left} ${operator} ${this.#sum()}`;
    }
    const word = next?.kind === 'word' ? WORDS[next.text.toLowerCase()] : undefined;
    if (word !== undefined) {
      this.#take();
      return word(left, this.#sum());
    }
    if (this.#is('<', '>', '<=', '>=')) throw new NoCounterpart('compares by size');
    return left;
  }

  /** `_` concatenates. */
  #sum(): string {
    let left = this.#operand();
    while (this.#is('_')) {
      this.#take();
      left = `${left} + ${this.#operand()}`;
    }
    return left;
  }

  #operand(): string {
    const one = this.#take();
    if (one.kind === 'text') return JSON.stringify(one.text);
    if (one.kind === 'number') return this.#number(one.text);
    if (one.kind === 'path') return this.#read(one.text);
    if (one.kind === 'word') return this.#word(one.text);
    if (one.text === '(') {
      const made = this.#or();
      this.#close();
      return `(${made})`;
    }
    if (one.text === '!' || one.text === "'") return `!(${this.#operand()})`;
    throw new NoCounterpart('has an expression that could not be parsed');
  }

  /** Compared by `=`, a number is the text that is in the message. */
  #number(text: string): string {
    const before = this.#tokens[this.#at - 2];
    return before?.kind === 'mark' && before.text in COMPARISONS ? JSON.stringify(text) : text;
  }

  #word(name: string): string {
    if (!this.#is('(')) return this.#read(name);
    this.#take();
    const given: string[] = [];
    while (!this.#is(')')) {
      given.push(this.#or());
      if (this.#is(',')) this.#take();
      else break;
    }
    this.#close();
    const make = FUNCTIONS[name.toLowerCase().replace(/^\.\./, '')];
    if (make === undefined) throw new NoCounterpart(`calls ${name}`);
    return make(given);
  }

  #close(): void {
    if (!this.#is(')')) throw new NoCounterpart('lacks a )');
    this.#take();
  }
}
