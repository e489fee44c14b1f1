/** Names of what must not be written to a file. */
export const SECRET = /passw|pwd|passphrase|secret|token|api[-_]?key|authorization|credential/i;

/** Texts that contain a secret on their own. */
export const SECRET_TEXT =
  /(?:passw(?:or)?d|pwd|secret|token|api[-_]?key)=[^&;\s]+|:\/\/[^/:@\s]+:[^@/\s]+@|^(?:Basic|Bearer) \S{6,}/i;

/** The script as a comment, without any text near a word that suggests a secret. */
export function redacted(text: string): string {
  const lines = text.split('\n').map((line) => {
    const isDelicate =
      SECRET.test(line) || SECRET_TEXT.test(line) || /createDatabaseConnection/.test(line);
    return isDelicate ? '(a line that may hold a secret was left out)' : line;
  });
  return lines.map((line) => `// ${line}`.trimEnd()).join('\n');
}
