const ESCAPE = /\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r?\n[ \t]*|[\s\S])/y;

/**
 * Where a character of a YAML text stands in its file. The text differs from the file by quotes,
 * escapes, folded lines and indentation, so both are walked side by side.
 *
 * `from` is where the scalar begins in the file (its quote, or the `|` or `>` of a block).
 */
export function offsetInFile(
  file: string,
  from: number,
  { value, style }: { readonly value: string; readonly style: string | undefined },
): (offset: number) => number {
  const start = contentStart(file, from, style);
  return (offset) => {
    let here = start;
    for (let index = 0; index < Math.min(offset, value.length); index++) {
      here = after(
        file,
        aligned(file, here, value.charAt(index), style),
        value.charAt(index),
        style,
      );
    }
    return aligned(file, here, value.charAt(offset), style);
  };
}

function contentStart(file: string, from: number, style: string | undefined): number {
  if (style === 'QUOTE_DOUBLE' || style === 'QUOTE_SINGLE') return from + 1;
  if (style === 'BLOCK_LITERAL' || style === 'BLOCK_FOLDED') {
    const line = file.indexOf('\n', from);
    return line === -1 ? from : line + 1;
  }
  return from;
}

/** Skips what the value does not have: indentation and folded line ends. */
function aligned(file: string, from: number, wanted: string, style: string | undefined): number {
  if (wanted === '' || (style === 'QUOTE_DOUBLE' && file[from] === '\\')) return from;
  let here = from;
  while (here < file.length && file[here] !== wanted && /\s/.test(file.charAt(here))) here++;
  return here;
}

function after(file: string, here: number, char: string, style: string | undefined): number {
  if (style === 'QUOTE_DOUBLE' && file[here] === '\\') {
    ESCAPE.lastIndex = here;
    return here + (ESCAPE.exec(file)?.[0].length ?? 1);
  }
  if (style === 'QUOTE_SINGLE' && char === "'") return here + 2;
  return file[here] === char ? here + 1 : here;
}
