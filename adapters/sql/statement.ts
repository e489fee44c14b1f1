import { type Message, SuspendError, setting } from 'waybill/adapter';
import type { Parameter, Prepared, Product } from './database.ts';

/** A statement cut where values are filled in: one text more than there are values. */
export interface Cut<Value> {
  readonly source: string;
  readonly texts: readonly string[];
  readonly values: readonly Value[];
}

/** A statement whose values are expressions over a message. */
export type MessageStatement = Cut<setting.MessageExpression>;
/** A statement whose values are columns of a row that was read. */
export type RowStatement = Cut<string>;

interface Problem {
  readonly text: string;
  readonly offset: number;
}

const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|(\$(?:[A-Za-z_]\w*)?\$)[^]*?\1/y;
const COMMENT = /--[^\n]*|\/\*[^]*?\*\//y;
const PLAIN = /(?:[^'"`$/{};?:@-]|\/(?!\*)|-(?!-)|::)+/y;
/** Placeholders that a driver would take for its own. */
const PLACEHOLDER = /\$\d+|\?|[:@][A-Za-z_]\w*/y;
/** A body of statements that a product takes as one. */
const BLOCK = /^\s*(?:begin|declare|do)\b/i;

/**
 * Cuts a statement at the expressions in braces. None may stand within quotes, where it would have to become a part of
 * the text: values go to the database apart from the statement.
 */
function cut(source: string): { cut: Cut<string>; problems: readonly Problem[] } {
  const cutter = new Cutter(source);
  while (cutter.next()) {
    // each call takes one piece
  }
  return cutter.result();
}

class Cutter {
  readonly #source: string;
  readonly #texts: string[] = [];
  readonly #values: string[] = [];
  readonly #problems: Problem[] = [];
  #text = '';
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** Takes the next piece; false at the end. */
  next(): boolean {
    if (this.#at >= this.#source.length) return false;
    const plain = this.#taken(PLAIN) ?? this.#taken(COMMENT);
    if (plain !== undefined) return this.#add(plain);
    const quoted = this.#taken(QUOTED);
    if (quoted !== undefined) {
      if (hasBrace(quoted)) this.#problem(WITHIN_QUOTES);
      return this.#add(quoted, quoted.replaceAll('{{', '{').replaceAll('}}', '}'));
    }
    const two = this.#source.slice(this.#at, this.#at + 2);
    if (two === '{{' || two === '}}') return this.#add(two, two.charAt(0));
    if (two.startsWith('{')) return this.#value();
    const found = odd(this.#source, this.#at, this.#taken(PLACEHOLDER));
    if (found !== undefined) this.#problem(found);
    return this.#add(two.charAt(0));
  }

  result(): { cut: Cut<string>; problems: readonly Problem[] } {
    const texts = [...this.#texts, this.#text.replace(/[\s;]+$/, '')];
    if (this.#values.length === 0 && texts.join('').trim() === '') {
      this.#at = 0;
      this.#problem('The statement is empty.');
    }
    return {
      cut: { source: this.#source, texts, values: this.#values },
      problems: this.#problems,
    };
  }

  #value(): boolean {
    const end = closingBrace(this.#source, this.#at + 1);
    if (end === undefined) {
      this.#problem('This { has no counterpart. Write {{ for the character itself.');
      return false;
    }
    this.#texts.push(this.#text);
    this.#text = '';
    this.#values.push(this.#source.slice(this.#at + 1, end).trim());
    this.#at = end + 1;
    return true;
  }

  #add(piece: string, text = piece): boolean {
    this.#text += text;
    this.#at += piece.length;
    return true;
  }

  #taken(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#source)?.[0];
  }

  #problem(text: string): void {
    this.#problems.push({ text, offset: this.#at });
  }
}

const WITHIN_QUOTES =
  'A value in braces stands within quotes. Take the quotes away: values are sent apart from the statement. For a brace of the text itself write {{ or }}.';

const hasBrace = (quoted: string): boolean =>
  /[{}]/.test(quoted.replaceAll('{{', '').replaceAll('}}', ''));

/** What is wrong with a character that is neither text nor the beginning of a value. */
function odd(source: string, at: number, placeholder: string | undefined): string | undefined {
  const character = source[at] ?? '';
  if (placeholder !== undefined && /^(\$\d|\?$)/.test(placeholder)) {
    return `${placeholder} is a placeholder of the driver. Write the value as an expression in braces, such as {field("PID-3.1")}.`;
  }
  if ('\'"`'.includes(character)) return 'This quote is not closed.';
  if (character === '}') {
    return 'This } has no counterpart. Write }} for the character itself.';
  }
  const isMore = character === ';' && /\S/.test(source.slice(at + 1).replaceAll(/--[^\n]*|;/g, ''));
  if (isMore && !BLOCK.test(source)) {
    return 'This is more than one statement. Write each as an entry of its own; they run in one transaction.';
  }
  return undefined;
}

/** Where the brace ends that was opened before; quotes and braces of the expression are skipped. */
function closingBrace(source: string, from: number): number | undefined {
  let depth = 1;
  for (let at = from; at < source.length; at++) {
    const character = source[at] ?? '';
    if (character === '"' || character === "'") {
      at = closingQuote(source, at);
    } else if (character === '{') depth += 1;
    else if (character === '}' && --depth === 0) return at;
  }
  return undefined;
}

function closingQuote(source: string, from: number): number {
  for (let at = from + 1; at < source.length; at++) {
    if (source[at] === '\\') at += 1;
    else if (source[at] === source[from]) return at;
  }
  return source.length;
}

type Found = { readonly ok: false; readonly problems: readonly setting.SettingProblem[] };

const refused = (problems: readonly Problem[]): Found => ({
  ok: false,
  problems: problems.map(({ text, offset }) => ({ path: [], problem: text, offset })),
});

/** A statement with expressions over the message in braces. */
export const messageStatement: setting.Setting<MessageStatement, string> = {
  kind: 'template',
  help: 'One statement. Each expression in braces is a value that is sent apart from the text.',
  read: (given, context) => {
    if (typeof given !== 'string') return setting.bad('must be a statement');
    const found = cut(given);
    if (found.problems.length > 0) return refused(found.problems);
    const reads = found.cut.values.map((value) => context.expression(value));
    const problems = reads.flatMap((read, index) =>
      read.ok
        ? []
        : read.problems.map((one) => ({
            ...one,
            offset: offsetOf(found.cut, index) + (one.offset ?? 0),
          })),
    );
    if (problems.length > 0) return { ok: false, problems };
    return setting.good({
      ...found.cut,
      values: reads.flatMap((read) => (read.ok ? [read.value] : [])),
    });
  },
};

/** Where the nth value begins in the source. */
function offsetOf({ source, values }: Cut<string>, index: number): number {
  let at = 0;
  for (const value of values.slice(0, index + 1)) at = source.indexOf(value, at) + 1;
  return Math.max(0, at - 1);
}

const COLUMN = /^[A-Za-z_][\w$]*$/;

/** A statement with names of columns in braces. */
export const rowStatement: setting.Setting<RowStatement, string> = {
  kind: 'text',
  help: 'One statement. Each column in braces is a value of the row that was read.',
  read: (given) => {
    if (typeof given !== 'string') return setting.bad('must be a statement');
    const found = cut(given);
    if (found.problems.length > 0) return refused(found.problems);
    const wrong = found.cut.values.find((value) => !COLUMN.test(value));
    return wrong === undefined
      ? setting.good(found.cut)
      : setting.bad(`{${wrong}} is no name of a column: write one that the query gives`);
  },
};

/** A query without values. */
export const query: setting.Setting<string, string> = {
  kind: 'text',
  help: 'A query.',
  read: (given) => {
    if (typeof given !== 'string') return setting.bad('must be a query');
    const found = cut(given);
    if (found.problems.length > 0) return refused(found.problems);
    return found.cut.values.length === 0
      ? setting.good(found.cut.texts.join(''))
      : setting.bad('must hold no values in braces: there is no message yet');
  },
};

/** The statement in the product's words. */
export function prepared(
  { texts }: Pick<Cut<unknown>, 'texts'>,
  values: readonly Parameter[],
  product: Pick<Product, 'placeholder'>,
): Prepared {
  const known = TEXTS.get(texts);
  if (known?.product === product) return { text: known.text, values };
  const text = texts
    .map((one, index) => (index === 0 ? one : `${product.placeholder(index)}${one}`))
    .join('');
  TEXTS.set(texts, { product, text });
  return { text, values };
}

/** Put together once for all messages and rows. */
const TEXTS = new WeakMap<readonly string[], { readonly product: object; readonly text: string }>();

/** The values of a statement for one message. */
export async function valuesFor(
  { values }: MessageStatement,
  message: Message,
  emptyIsNull: boolean,
): Promise<readonly Parameter[]> {
  const found: Parameter[] = [];
  for (const one of values) found.push(parameterOf(one, await one.evaluate(message), emptyIsNull));
  return found;
}

function parameterOf(
  { source }: setting.MessageExpression,
  value: unknown,
  emptyIsNull: boolean,
): Parameter {
  if (value === null || value === undefined || (value === '' && emptyIsNull)) return null;
  if (typeof value === 'string' && value.includes('\0')) {
    throw new SuspendError(
      `The value of {${source}} holds a character with the code 0, which databases do not take. Correct the message, or remove the character by an expression.`,
    );
  }
  if (isScalar(value)) return value;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw new SuspendError(
    `The value of {${source}} is no text, number, flag, time or list of texts. Correct the expression.`,
  );
}

function isScalar(value: unknown): value is string | number | bigint | boolean | Date | Uint8Array {
  return (
    ['string', 'number', 'bigint', 'boolean'].includes(typeof value) ||
    value instanceof Date ||
    value instanceof Uint8Array
  );
}
