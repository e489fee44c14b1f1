import type { Syntax } from './parse.ts';
import { childrenOf } from './syntax.ts';

/** A statement that a script concatenates from texts and values. */
export interface SqlCut {
  /** With `{json("/0")}` for each value. */
  readonly text: string;
  /** The script's text for each value, and what is put around and between them. */
  readonly values: readonly SqlValue[];
}

export interface SqlValue {
  readonly node: Syntax;
  /** What is written before it, after the previous value. */
  readonly before: string;
  readonly after: string;
}

type Piece = { readonly text: string } | { readonly node: Syntax };

/** Where a value is allowed: after an operator, a comma or a bracket; anywhere else it would not be a value in SQL. */
const VALUE_BEFORE =
  /(?:[=<>,(+\-*/]|\b(?:LIKE|AND|OR|BETWEEN|VALUES|LIMIT|OFFSET|THEN|ELSE|WHEN|SELECT|RETURN|CALL|EXEC))\s*$/i;
/** A placeholder for a `?` until all values are known. */
const GIVEN = '\uE200';
const LIST_BEFORE = /\bIN\s*\(\s*$/i;

/** Splits a concatenation into a statement and its values; a text says why that is impossible. */
export function cutSql(node: Syntax, how: 'quoted' | 'unescaped'): SqlCut | string {
  const pieces = piecesOf(node);
  if (pieces === undefined) return 'its statement is not a concatenation of texts and values';
  if (!pieces.some((piece) => 'text' in piece && /[a-z]/i.test(piece.text)))
    return 'its statement comes from elsewhere';
  return new Cutting(how).cut(pieces);
}

class Cutting {
  readonly #how: 'quoted' | 'unescaped';
  readonly #values: { node: Syntax; before: string; after: string }[] = [];
  #text = '';
  #number = 0;
  /** Inside quotes: the text so far, until it is known whether there is a value too. */
  #literal: { text: string; hasValue: boolean } | undefined;

  constructor(how: 'quoted' | 'unescaped') {
    this.#how = how;
  }

  cut(pieces: readonly Piece[]): SqlCut | string {
    for (const piece of pieces) {
      const fault = 'text' in piece ? this.#take(piece.text) : this.#value(piece.node);
      if (fault !== undefined) return fault;
    }
    if (this.#literal !== undefined) return 'its statement has an unterminated quote';
    // values passed with the call come after those in the text
    let next = this.#number;
    const text = this.#text.replaceAll(GIVEN, () => `{json("/${next++}")}`);
    return { text: text.trim().replace(/;\s*$/, ''), values: this.#values };
  }

  #take(text: string): undefined {
    for (const one of text.matchAll(/''|'|[^']+/g)) {
      const [part] = one;
      if (part === "'") this.#quote();
      else if (this.#literal !== undefined) this.#within(part);
      // two quotes: an empty text, unless they are inside one
      else if (part === "''") this.#text += part;
      else this.#text += part.replaceAll('{', '{{').replaceAll('}', '}}').replaceAll('?', GIVEN);
    }
    return undefined;
  }

  #quote(): void {
    const literal = this.#literal;
    if (literal === undefined) this.#literal = { text: '', hasValue: false };
    else {
      this.#literal = undefined;
      const last = this.#values.at(-1);
      if (!literal.hasValue || last === undefined)
        this.#text += `'${literal.text.replaceAll('{', '{{').replaceAll('}', '}}')}'`;
      else {
        last.after = `${literal.text === '' ? '' : `, ${JSON.stringify(literal.text)}`})`;
        this.#text += `{json("/${this.#number - 1}")}`;
      }
    }
  }

  #within(text: string): void {
    if (this.#literal !== undefined) this.#literal.text += text;
  }

  #value(node: Syntax): string | undefined {
    if (hasSql(node)) return 'a value contains part of the statement';
    const literal = this.#literal;
    if (literal === undefined) {
      if (LIST_BEFORE.test(this.#text)) return 'a value is a list';
      if (!VALUE_BEFORE.test(this.#text)) return 'a table or column name is a value';
      this.#values.push({ node, before: '', after: '' });
      this.#text += `{json("/${this.#number}")}`;
      this.#number += 1;
      return undefined;
    }
    const text = literal.text === '' ? '' : `${JSON.stringify(literal.text)}, `;
    this.#values.push({
      node,
      before: literal.hasValue ? text : `${this.#how}(${text}`,
      after: '',
    });
    if (!literal.hasValue) this.#number += 1;
    this.#literal = { text: '', hasValue: true };
    return undefined;
  }
}

function piecesOf(node: Syntax): Piece[] | undefined {
  if (node.type === 'Literal' && typeof node['value'] === 'string')
    return [{ text: node['value'] }];
  if (node.type === 'Literal') return [{ text: String(node['value']) }];
  if (node.type === 'BinaryExpression' && node['operator'] === '+') {
    const [left, right] = [piecesOf(node['left'] as Syntax), piecesOf(node['right'] as Syntax)];
    return [...(left ?? []), ...(right ?? [])];
  }
  return [{ node }];
}

/** Whether an expression has texts that may be SQL: quotes, or NULL instead of a value. */
function hasSql(node: Syntax): boolean {
  if (node.type === 'CallExpression') return false;
  const { value } = node as unknown as { value?: unknown };
  if (node.type === 'Literal' && typeof value === 'string') return /'|\bnull\b|,/i.test(value);
  return childrenOf(node).some(hasSql);
}

/** Whether this method executes a statement. */
export const isStatementCall = (method: string): boolean =>
  /^execute(CachedQuery|Update|UpdateAndGetGeneratedKeys)$/.test(method);

/** The expression assigned to a variable, if there is only one. */
export function onlyValue(body: readonly Syntax[], name: string): Syntax | undefined {
  const found: (Syntax | undefined)[] = [];
  const look = (node: Syntax): void => {
    if (node.type === 'VariableDeclarator' && node['id'].name === name && node['init'] !== null)
      found.push(node['init'] as Syntax);
    if (node.type === 'AssignmentExpression' && node['left'].name === name)
      found.push(node['operator'] === '=' ? (node['right'] as Syntax) : undefined);
    for (const child of childrenOf(node)) look(child);
  };
  for (const one of body) look(one);
  const [only] = found;
  return found.length === 1 ? only : undefined;
}

/** What a script connects to: texts, with `${name}` for values of maps. */
export interface SqlConnection {
  readonly driver: string;
  readonly url: string;
  readonly user: string;
}

/** The database that a script connects to; undefined unless there is exactly one. */
export function connectionIn(body: readonly Syntax[]): SqlConnection | undefined {
  const found = new Map<string, SqlConnection>();
  const look = (node: Syntax): void => {
    if (
      node.type === 'CallExpression' &&
      node['callee'].property?.name === 'createDatabaseConnection'
    ) {
      const given = (node['arguments'] as readonly Syntax[]).map((one) => textOf(one, body));
      const [driver = '', url = '', user = ''] = given;
      found.set(`${driver} ${url}`, { driver, url, user });
    }
    for (const child of childrenOf(node)) look(child);
  };
  for (const one of body) look(one);
  const [only] = found.values();
  return found.size === 1 ? only : undefined;
}

function textOf(node: Syntax, body: readonly Syntax[], depth = 0): string {
  if (node.type === 'Literal') return String(node['value']);
  if (node.type === 'BinaryExpression')
    return `${textOf(node['left'] as Syntax, body, depth)}${textOf(node['right'] as Syntax, body, depth)}`;
  if (node.type === 'Identifier' && depth < 4) {
    const value = onlyValue(body, String(node['name']));
    return value === undefined ? '${unknown}' : textOf(value, body, depth + 1);
  }
  const [key] = node.type === 'CallExpression' ? (node['arguments'] as readonly Syntax[]) : [];
  return typeof key?.['value'] === 'string' ? `\${${key['value']}}` : '${unknown}';
}
