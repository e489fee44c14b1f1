import { SECRET, SECRET_TEXT } from './mirth/script/names.ts';

/** The script as a comment, without any text that stands near a word for a secret. */
export function redacted(text: string): string {
  const lines = text.split('\n').map((line) => {
    const isDelicate =
      SECRET.test(line) || SECRET_TEXT.test(line) || /createDatabaseConnection/.test(line);
    return isDelicate ? '(a line that may hold a secret was left out)' : line;
  });
  return lines.map((line) => `// ${line}`.trimEnd()).join('\n');
}
