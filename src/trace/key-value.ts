const LONGEST = 200;

/** A search value as stored and looked up: trimmed, composed (NFC) and in upper case, so that case does not matter. */
export function keyValue(value: string): string {
  return value.trim().normalize('NFC').toUpperCase().slice(0, LONGEST);
}

/** What a search requires of one field. A value ending in `*` matches a beginning. */
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
      // an exact value comes first: it matches the fewest
      .toSorted((a, b) => Number(a.prefix) - Number(b.prefix))
  );
}

/** The first text after all those that begin with `prefix`, in code point order; the exclusive end of a range. */
export function afterPrefix(prefix: string): string {
  return `${prefix}\u{10FFFF}`;
}
