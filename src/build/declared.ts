/** An exported interface or type of a source, with its comment, as it is written. Throws where there is none of that name. */
export function declared(source: string, name: string): string {
  const lines = source.split('\n');
  const at = lines.findIndex((line) =>
    new RegExp(`^(export )?(interface|type) ${name}\\b`).test(line),
  );
  if (at < 0) throw new Error(`there is no interface or type ${name}`);
  let first = at;
  if (lines[at - 1]?.trimEnd().endsWith('*/') === true) {
    first -= 1;
    while (!(lines[first] ?? '').startsWith('/**')) first -= 1;
  }
  let last = at;
  // at the left margin stand only declarations and what closes them
  if (!/[;}]$/.test(lines[at] ?? '')) {
    last += 1;
    while (/^(\s|$|\|)/.test(lines[last] ?? '') && !endsType(lines, at, last)) last += 1;
  }
  return lines
    .slice(first, last + 1)
    .join('\n')
    .replace(/^export /m, '');
}

/** A type over several lines ends with the first line that ends with a semicolon at depth 0. */
function endsType(lines: readonly string[], at: number, here: number): boolean {
  if (!(lines[at] ?? '').includes('type ')) return false;
  const text = lines.slice(at, here + 1).join('\n');
  const opened = text.match(/[({[]/g)?.length ?? 0;
  const closed = text.match(/[)}\]]/g)?.length ?? 0;
  return opened === closed && (lines[here] ?? '').endsWith(';');
}
