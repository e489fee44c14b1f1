/**
 * A text as one word of a shell, whatever it contains. Everything is in single quotes except a single quote and a
 * backslash, which are in double ones: so it is one word in each POSIX shell and in fish, also where the server's
 * charset takes a backslash for a part of a letter.
 */
export function shellWord(text: string): string {
  if (/^[\w./:=@%+,-]+$/.test(text)) return text;
  const parts = text.match(/'|\\|[^'\\]+/g) ?? [''];
  return parts.map((part) => QUOTED[part] ?? `'${part}'`).join('');
}

const QUOTED: Readonly<Record<string, string>> = { "'": `"'"`, '\\': String.raw`"\\"` };

/** The part of a command's fixed text that would swallow the words after it; undefined if there is none. */
export function unfinished(command: string): string | undefined {
  // the order matters: a comment sign within quotes does not count
  const rest = command.replaceAll(/\\[^]|'[^']*'|"(?:[^"\\]|\\[^])*"/g, 'x');
  if (/['"]/.test(rest)) return 'has a quote without its counterpart';
  if (rest.endsWith('\\')) return 'ends with a backslash';
  if (/(?:^|[\s;&|()])#/.test(rest)) return 'has a comment';
  if (rest.includes('<<')) return 'has a here-document';
  if ((rest.split('`').length - 1) % 2 === 1) return 'has a ` without its counterpart';
  return undefined;
}
