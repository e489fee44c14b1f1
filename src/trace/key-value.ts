const LONGEST = 200;

/** A search value as it is stored and looked up: trimmed, composed, in upper case, so that case does not matter. */
export function keyValue(value: string): string {
  return value.trim().normalize('NFC').toUpperCase().slice(0, LONGEST);
}

/** What a search asks of one field. A value that ends in `*` asks for all that begin so. */
export interface KeyMatch {
  readonly name: string;
  readonly value: string;
  readonly prefix: boolean;
}

export function keyMatches(search: Readonly<Record<string, string>> | undefined): KeyMatch[] {
  return (
    Object.entries(search ?? {})
      .map(([name, text]) => {
        const prefix = text.endsWith('*');
        return { name, value: keyValue(prefix ? text.slice(0, -1) : text), prefix };
      })
      // an exact value leads: it finds fewest
      .toSorted((a, b) => Number(a.prefix) - Number(b.prefix))
  );
}

/** The first text that does not begin with `prefix`, in code point order; the open end of a range. */
export function afterPrefix(prefix: string): string {
  return `${prefix}\u{10FFFF}`;
}
