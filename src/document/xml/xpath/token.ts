/** What an XPath is made of: a number, a text, a name, an operator or a mark. */
export interface Token {
  readonly kind: 'number' | 'text' | 'name' | 'operator' | 'mark' | 'end';
  /** Of a text what it holds. */
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

/** Takes an XPath apart; undefined if something in it belongs to none. */
export function tokensOf(xpath: string): Token[] | undefined {
  const tokens: Token[] = [];
  let at = 0;
  while (at < xpath.length) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(xpath)?.groups;
    if (found === undefined) return undefined;
    const { blank, text, number, name, mark } = found;
    if (blank === undefined) {
      if (text !== undefined) tokens.push({ kind: 'text', text: text.slice(1, -1), at });
      else if (number !== undefined) tokens.push({ kind: 'number', text: number, at });
      else tokens.push(word(name ?? mark ?? '', name !== undefined, at, tokens.at(-1)));
    }
    at = TOKEN.lastIndex;
  }
  return [...tokens, { kind: 'end', text: '', at }];
}

/** Behind an operand `*` and the words are operators, anywhere else names (XPath 1.0 §3.7). */
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
