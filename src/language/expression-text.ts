/** Where in the text of an expression, which may not be finished, a position is. */
export interface ExpressionSpot {
  /** The text within quotes up to the position; undefined outside of quotes. */
  readonly quoted: string | undefined;
  /** The word up to the position; `''` where none begins. */
  readonly word: string;
  /** Where `quoted` or `word` begins. */
  readonly from: number;
  /** The innermost call that is open here: the name, and the number of the argument from 0. */
  readonly call: { readonly name: string; readonly argument: number } | undefined;
}

interface Open {
  readonly name: string;
  argument: number;
}

/** Reads an expression up to a position by its quotes and brackets alone, so that it may be broken behind it. */
export function expressionSpot(text: string, offset: number): ExpressionSpot {
  const calls: Open[] = [];
  let quoteAt = -1;
  for (let index = 0; index < offset; index++) {
    const char = text.charAt(index);
    if (quoteAt < 0) {
      if (char === '"' || char === "'") quoteAt = index;
      else follow(calls, char, text.slice(0, index));
    } else if (char === '\\') index++;
    else if (char === text.charAt(quoteAt)) quoteAt = -1;
  }
  const call = calls.at(-1);
  if (quoteAt >= 0) {
    return { quoted: text.slice(quoteAt + 1, offset), word: '', from: quoteAt + 1, call };
  }
  const word = /[A-Za-z_]\w*$/.exec(text.slice(0, offset))?.[0] ?? '';
  return { quoted: undefined, word, from: offset - word.length, call };
}

/** Opens and closes calls, and counts their arguments. */
function follow(calls: Open[], char: string, before: string): void {
  if ('([{'.includes(char)) {
    const name = char === '(' ? (/\w*$/.exec(before)?.[0] ?? '') : '';
    calls.push({ name, argument: 0 });
    return;
  }
  if (')]}'.includes(char)) calls.pop();
  const last = calls.at(-1);
  if (char === ',' && last !== undefined) last.argument++;
}

/** A text within quotes of an expression, and the call that it is an argument of. */
export interface QuotedText {
  readonly text: string;
  readonly from: number;
  readonly call: ExpressionSpot['call'];
}

const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g;

export function quotedTexts(expression: string): QuotedText[] {
  return [...expression.matchAll(QUOTED)].map(({ 0: quoted, index }) => {
    const call = expressionSpot(expression, index + 1).call;
    return { text: quoted.slice(1, -1), from: index + 1, call: call && { ...call } };
  });
}

/** Functions whose first argument is a path into the message, or the name of a segment. */
const READS = new Set(['field', 'fields', 'has', 'whole', 'segments', 'following']);

export const isPathArgument = (call: ExpressionSpot['call']): boolean =>
  call !== undefined && call.argument === 0 && READS.has(call.name);

/** What an argument is the name of, if it is the name of something that the production has. */
export function namedBy(call: ExpressionSpot['call']): 'lookup' | 'profile' | undefined {
  if (call?.name === 'lookup' && call.argument === 0) return 'lookup';
  return call?.name === 'ediErrors' && call.argument === 1 ? 'profile' : undefined;
}
