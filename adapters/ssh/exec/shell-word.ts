/**
 * A text as one word of a shell, whatever it contains. Everything stands in single quotes, but for a single quote and a
 * backslash, which stand in double ones: so it is one word in each POSIX shell and in fish, also where the server's
 * charset takes a backslash for a part of a letter.
 */
export function shellWord(text: string): string {
  if (/^[\w./:=@%+,-]+$/.test(text)) return text;
  const parts = text.match(/'|\\|[^'\\]+/g) ?? [''];
  return parts.map((part) => QUOTED[part] ?? `'${part}'`).join('');
}

const QUOTED: Readonly<Record<string, string>> = { "'": `"'"`, '\\': String.raw`"\\"` };

/** What of a command's fixed text would swallow the words that follow it; undefined if nothing does. */
export function unfinished(command: string): string | undefined {
  // the order matters: a comment sign within quotes is none
  const rest = command.replaceAll(/\\[^]|'[^']*'|"(?:[^"\\]|\\[^])*"/g, 'x');
  if (/['"]/.test(rest)) return 'has a quote without its counterpart';
  if (rest.endsWith('\\')) return 'ends with a backslash';
  if (/(?:^|[\s;&|()])#/.test(rest)) return 'has a comment';
  if (rest.includes('<<')) return 'has a here-document';
  if ((rest.split('`').length - 1) % 2 === 1) return 'has a ` without its counterpart';
  return undefined;
}
