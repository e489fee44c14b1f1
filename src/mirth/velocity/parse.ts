/** A template of Velocity, as a tree. */
export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'reference'; readonly of: Reference }
  | {
      readonly kind: 'if';
      readonly branches: readonly { readonly test: Expression; readonly body: TemplatePart[] }[];
      readonly otherwise: TemplatePart[];
    }
  | {
      readonly kind: 'foreach';
      readonly variable: string;
      readonly list: Expression;
      readonly body: TemplatePart[];
    }
  | { readonly kind: 'set'; readonly variable: string; readonly value: Expression };

/** `${name.part.method('x')}`; `text` is the original, which stays if it cannot be resolved. */
export interface Reference {
  readonly text: string;
  readonly name: string;
  readonly steps: readonly TemplateStep[];
  /** `$!name` is empty if it cannot be resolved. */
  readonly isQuiet: boolean;
}

export type TemplateStep =
  | { readonly kind: 'part'; readonly name: string }
  | { readonly kind: 'call'; readonly name: string; readonly given: readonly Expression[] }
  | { readonly kind: 'item'; readonly at: Expression };

export type Expression =
  | { readonly kind: 'value'; readonly value: unknown }
  /** A text in double quotes, which is filled in too. */
  | { readonly kind: 'filled'; readonly parts: readonly TemplatePart[] }
  | { readonly kind: 'reference'; readonly of: Reference }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'range'; readonly from: Expression; readonly to: Expression }
  | { readonly kind: 'not'; readonly of: Expression }
  | {
      readonly kind: 'operation';
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    };

/** Unsupported parts of Velocity. */
export class TemplateFault extends Error {
  readonly line: number;

  constructor(what: string, line: number) {
    super(what);
    this.line = line;
  }
}

const NAME = /[A-Za-z_][\w-]*/y;
/** Names of variables in maps may have spaces, which Velocity itself does not support. */
const SPACED = /\s*([A-Za-z][\w.-]*(?: +[\w.-]+)+)\s*\}/y;
const OPERATORS = [
  ['||', 'or'],
  ['&&', 'and'],
  ['==', '!=', 'eq', 'ne'],
  ['<=', '>=', '<', '>', 'le', 'ge', 'lt', 'gt'],
  ['+', '-'],
  ['*', '/', '%'],
] as const;

export const parseTemplate = (template: string): TemplatePart[] => new Reader(template).whole();

class Reader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  whole(): TemplatePart[] {
    const parts = this.#parts();
    if (this.#at < this.#source.length) throw this.#fault('has one #end or #else too many');
    return parts;
  }

  #fault(what: string): TemplateFault {
    return new TemplateFault(what, this.#source.slice(0, this.#at).split('\n').length);
  }

  /** Parses up to the end, or up to an `#else`, `#elseif` or `#end`. */
  #parts(): TemplatePart[] {
    const parts: TemplatePart[] = [];
    const add = (text: string): void => {
      const last = parts.at(-1);
      if (last?.kind === 'text') parts[parts.length - 1] = { kind: 'text', text: last.text + text };
      else if (text !== '') parts.push({ kind: 'text', text });
    };
    while (this.#at < this.#source.length) {
      const next = this.#source.slice(this.#at).search(/[$#\\]/);
      add(this.#source.slice(this.#at, next < 0 ? undefined : this.#at + next));
      if (next < 0) this.#at = this.#source.length;
      else this.#at += next;
      const directive = this.#directiveHere();
      if (directive !== undefined && /^(else|elseif|end)$/.test(directive)) return parts;
      const made = this.#special(directive);
      if (typeof made === 'string') add(made);
      else parts.push(made);
    }
    return parts;
  }

  #directiveHere(): string | undefined {
    const [, plain, braced] =
      this.#match(
        /#(?:(if|elseif|else|end|foreach|set|macro|parse|include|evaluate|define|stop|break)\b|\{(\w+)\})/y,
        false,
      ) ?? [];
    return plain ?? braced;
  }

  /** A reference, a directive, a comment, or the character itself as text. */
  #special(directive: string | undefined): TemplatePart | string {
    const one = this.#source[this.#at];
    if (one === undefined) return '';
    if (one === '\\') return this.#escaped();
    if (one === '$') return this.#reference() ?? this.#take(1);
    if (directive !== undefined) return this.#directive(directive);
    if (this.#source.startsWith('#*', this.#at)) return this.#skipTo('*#');
    if (this.#source.startsWith('#[[', this.#at)) {
      this.#at += 3;
      const until = this.#source.indexOf(']]#', this.#at);
      if (until < 0) throw this.#fault('has an unterminated #[[');
      return this.#take(until - this.#at, 3);
    }
    if (this.#source.startsWith('##', this.#at)) {
      this.#match(/##[^\n]*\n?/y);
      return '';
    }
    return this.#take(1);
  }

  #escaped(): string {
    const [, mark] = this.#match(/\\([$#])/y) ?? [];
    return mark ?? this.#take(1);
  }

  #skipTo(end: string): string {
    const until = this.#source.indexOf(end, this.#at);
    this.#at = until < 0 ? this.#source.length : until + end.length;
    return '';
  }

  #take(count: number, more = 0): string {
    const text = this.#source.slice(this.#at, this.#at + count);
    this.#at += count + more;
    return text;
  }

  #match(pattern: RegExp, moves = true): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source);
    if (found !== null && moves) this.#at += found[0].length;
    return found;
  }

  #directive(name: string): TemplatePart {
    this.#match(/#(\w+|\{\w+\})/y);
    if (name === 'if') return this.#if();
    if (name === 'foreach') return this.#foreach();
    if (name === 'set') return this.#set();
    throw this.#fault(`uses #${name}`);
  }

  #if(): TemplatePart {
    const branches = [{ test: this.#inBrackets(), body: this.#parts() }];
    let otherwise: TemplatePart[] = [];
    for (;;) {
      const next = this.#directiveHere();
      if (next === undefined) throw this.#fault('has an #if without an #end');
      this.#match(/#(\w+|\{\w+\})/y);
      if (next === 'end') return { kind: 'if', branches, otherwise };
      if (next === 'elseif') branches.push({ test: this.#inBrackets(), body: this.#parts() });
      else otherwise = this.#parts();
    }
  }

  #foreach(): TemplatePart {
    const [, variable] = this.#match(/\s*\(\s*\$!?\{?([\w-]+)\}?\s+in\s+/y) ?? [];
    if (variable === undefined) throw this.#fault('has a #foreach that could not be parsed');
    const list = this.#expression();
    this.#close(')');
    const body = this.#parts();
    if (this.#directiveHere() !== 'end') throw this.#fault('has a #foreach without an #end');
    this.#match(/#(\w+|\{\w+\})/y);
    return { kind: 'foreach', variable, list, body };
  }

  #set(): TemplatePart {
    const [, variable] = this.#match(/\s*\(\s*\$!?\{?([\w-]+)\}?\s*=\s*/y) ?? [];
    if (variable === undefined) throw this.#fault('sets a part of a value');
    const value = this.#expression();
    this.#close(')');
    this.#match(/[ \t]*\r?\n/y);
    return { kind: 'set', variable, value };
  }

  #inBrackets(): Expression {
    if (this.#match(/\s*\(/y) === null) throw this.#fault('has an #if without a condition');
    const made = this.#expression();
    this.#close(')');
    return made;
  }

  #close(mark: string): void {
    this.#match(/\s*/y);
    if (!this.#source.startsWith(mark, this.#at)) throw this.#fault(`lacks a ${mark}`);
    this.#at += mark.length;
  }

  /** Undefined if the `$` is just text. */
  #reference(): TemplatePart | undefined {
    const start = this.#at;
    const [head = '', quiet = '', brace = ''] = this.#match(/\$(!?)(\{?)/y) ?? [];
    if (head === '') return undefined;
    const isQuiet = quiet === '!';
    const spaced = brace === '' ? null : this.#match(SPACED);
    if (spaced !== null) return this.#made(start, { name: spaced[1] ?? '', steps: [], isQuiet });
    this.#match(/\s*/y);
    const name = this.#match(NAME)?.[0];
    if (name === undefined) {
      this.#at = start;
      return undefined;
    }
    const steps = this.#steps();
    if (brace !== '') this.#close('}');
    return this.#made(start, { name, steps, isQuiet });
  }

  #made(start: number, of: Omit<Reference, 'text'>): TemplatePart {
    return { kind: 'reference', of: { ...of, text: this.#source.slice(start, this.#at) } };
  }

  #steps(): TemplateStep[] {
    const steps: TemplateStep[] = [];
    for (;;) {
      const [, name, bracket] = this.#match(/\.([A-Za-z_]\w*)(\s*\()?/y) ?? [];
      if (name !== undefined) {
        if (bracket === undefined) steps.push({ kind: 'part', name });
        else steps.push({ kind: 'call', name, given: this.#list(')') });
      } else if (this.#match(/\[/y) !== null) {
        const at = this.#expression();
        this.#close(']');
        steps.push({ kind: 'item', at });
      } else return steps;
    }
  }

  /** Expressions separated by commas, and the character that ends them. */
  #list(end: string): Expression[] {
    const items: Expression[] = [];
    this.#match(/\s*/y);
    while (!this.#source.startsWith(end, this.#at)) {
      items.push(this.#expression());
      if (this.#match(/\s*,\s*/y) === null) break;
    }
    this.#close(end);
    return items;
  }

  #expression(level = 0): Expression {
    const operators = OPERATORS[level];
    if (operators === undefined) return this.#operand();
    let left = this.#expression(level + 1);
    for (;;) {
      this.#match(/\s*/y);
      const rest = this.#source.slice(this.#at);
      const operator = operators.find(
        (one) => rest.startsWith(one) && !(/^\w/.test(one) && /^\w/.test(rest.slice(one.length))),
      );
      if (operator === undefined) return left;
      this.#at += operator.length;
      left = { kind: 'operation', operator, left, right: this.#expression(level + 1) };
    }
  }

  #operand(): Expression {
    this.#match(/\s*/y);
    const one = this.#source[this.#at];
    if (one === '!') {
      this.#at += 1;
      return { kind: 'not', of: this.#operand() };
    }
    if (one === '(') {
      this.#at += 1;
      const made = this.#expression();
      this.#close(')');
      return made;
    }
    if (one === '[') return this.#listOrRange();
    const literal = this.#literal();
    if (literal !== undefined) return literal;
    const reference = one === '$' ? this.#reference() : undefined;
    if (reference?.kind === 'reference') return reference;
    throw this.#fault('has an expression that could not be parsed');
  }

  #listOrRange(): Expression {
    this.#at += 1;
    this.#match(/\s*/y);
    if (this.#source[this.#at] === ']') return { kind: 'list', items: this.#list(']') };
    const first = this.#expression();
    if (this.#match(/\s*\.\.\s*/y) !== null) {
      const to = this.#expression();
      this.#close(']');
      return { kind: 'range', from: first, to };
    }
    this.#match(/\s*,\s*/y);
    return { kind: 'list', items: [first, ...this.#list(']')] };
  }

  #literal(): Expression | undefined {
    const [, single] = this.#match(/'((?:[^']|'')*)'/y) ?? [];
    if (single !== undefined) return { kind: 'value', value: single.replaceAll("''", "'") };
    const [, double] = this.#match(/"((?:[^"]|"")*)"/y) ?? [];
    if (double !== undefined) {
      return { kind: 'filled', parts: parseTemplate(double.replaceAll('""', '"')) };
    }
    const [, number] = this.#match(/(-?\d+(?:\.\d+)?)/y) ?? [];
    if (number !== undefined) return { kind: 'value', value: Number(number) };
    const [, word] = this.#match(/(true|false|null)\b/y) ?? [];
    if (word === undefined) return undefined;
    return { kind: 'value', value: word === 'null' ? null : word === 'true' };
  }
}
