const TOKEN = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<[^<>]*>|[^<]+/g;
const PAIRS = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
] as const;
const STEP = '  ';
/** Deeper elements stand no further to the right: an answer must not be many times as long as the body. */
const DEEPEST = 40;

/**
 * XML with a line for each element, for reading. What it says does not change: white space between elements is
 * laid out anew, and an element with text stays as it is. A text that is no XML comes back as it was.
 */
export function indentedXml(text: string): string {
  // what begins and never ends would be looked for again and again
  if (PAIRS.some(([open, close]) => text.lastIndexOf(open) > text.lastIndexOf(close))) return text;
  const tokens = text.match(TOKEN) ?? [];
  if (tokens.join('') !== text) return text;
  const lines: string[] = [];
  let depth = 0;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] ?? '';
    if (token.trim() === '') continue;
    if (isEnd(token)) depth = Math.max(0, depth - 1);
    const end = isStart(token) ? endOfLine(tokens, at) : undefined;
    lines.push(
      STEP.repeat(Math.min(depth, DEEPEST)) +
        tokens
          .slice(at, (end ?? at) + 1)
          .join('')
          .trim(),
    );
    if (end !== undefined) at = end;
    else if (isStart(token)) depth += 1;
  }
  return lines.join('\n');
}

const isEnd = (token: string): boolean => token.startsWith('</');
const isText = (token: string): boolean =>
  token.trim() !== '' && (!token.startsWith('<') || token.startsWith('<![CDATA['));
const isStart = (token: string): boolean => /^<[^!?/]/.test(token) && !token.endsWith('/>');

/** Where an element ends that is empty or begins with text: it stays on one line. Undefined for any other. */
function endOfLine(tokens: readonly string[], start: number): number | undefined {
  const next = tokens[start + 1] ?? '';
  if (!isEnd(next) && !isText(next)) return undefined;
  let depth = 0;
  for (let at = start; at < tokens.length; at++) {
    const token = tokens[at] ?? '';
    if (isStart(token)) depth += 1;
    else if (isEnd(token)) depth -= 1;
    if (depth === 0) return at;
  }
  return undefined;
}
