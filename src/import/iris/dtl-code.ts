/** What only handles the memory of the old engine. */
const MEMORY = /%UnSwizzleAt\(|^If \$\$\$ISERR\(\w+\) Quit$|%UnSwizzle\(/i;

const SET =
  /^s(?:et)?\s+([A-Za-z%][A-Za-z\d.%]*(?:\.?\{[^}]*\}|\([^)]*\)|[A-Za-z\d.])*)\s*=\s*(.+)$/i;

/** The assignments that code of a DTL consists of; undefined if it does anything else. */
export function assignmentsOf(
  code: string,
): readonly (readonly [string, string])[] | 'memory' | undefined {
  const lines = code
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(?:;|\/\/|#;)/.test(line));
  if (lines.length === 0) return undefined;
  if (lines.every((line) => MEMORY.test(line))) return 'memory';
  const sets = lines.map((line) => SET.exec(line));
  return sets.includes(null)
    ? undefined
    : sets.map((found) => [found?.[1] ?? '', found?.[2] ?? ''] as const);
}
