/** One record of a delimited text: its characters and its line end. */
export interface Row {
  readonly text: string;
  readonly lineEnd: string;
}

/** Offset of the quote that is never closed. */
export interface OpenQuote {
  readonly openQuoteAt: number;
}

/** Splits a text into records by RFC 4180: a line end inside quotes belongs to the value. */
export function rowsOf(text: string, delimiter: string): Row[] | OpenQuote {
  const rows: Row[] = [];
  let start = 0;
  while (start < text.length) {
    const end = endOfRow(text, start, delimiter);
    if (end < 0) return { openQuoteAt: -end - 1 };
    const crlf = text.startsWith('\r\n', end);
    const next = Math.min(end + (crlf ? 2 : 1), text.length);
    rows.push({ text: text.slice(start, end), lineEnd: text.slice(end, next) });
    start = next;
  }
  return rows;
}

/** The end of the record that begins at `start`; −1 − offset for a quote left open. */
function endOfRow(text: string, start: number, delimiter: string): number {
  let at = start;
  let fieldStart = true;
  for (; at < text.length; at++) {
    const character = text[at];
    if (character === '\n' || character === '\r') return at;
    if (character === '"' && fieldStart) {
      const open = at;
      at = closingQuote(text, at);
      if (at < 0) return -open - 1;
    }
    fieldStart = character === delimiter;
  }
  return at;
}

/** The quote that ends the one at `open`, a doubled one not counting; −1 if there is none. */
function closingQuote(text: string, open: number): number {
  let at = text.indexOf('"', open + 1);
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}

/** The fields of a record as they are written, quotes included. */
export function fieldsOf(row: string, delimiter: string): string[] {
  const fields: string[] = [];
  let start = 0;
  for (;;) {
    const from = row[start] === '"' ? Math.max(closingQuote(row, start), start) : start;
    const end = row.indexOf(delimiter, from);
    if (end < 0) return [...fields, row.slice(start)];
    fields.push(row.slice(start, end));
    start = end + 1;
  }
}

/** A field's value without its quotes. */
export function unquoted(field: string): string {
  return field.length >= 2 && field.startsWith('"') && field.endsWith('"')
    ? field.slice(1, -1).replaceAll('""', '"')
    : field;
}

/** A value as a field: quoted if it needs to be or was before. */
export function quoted(value: string, delimiter: string, before: string): string {
  const needed = /["\r\n]/.test(value) || value.includes(delimiter) || before.startsWith('"');
  return needed ? `"${value.replaceAll('"', '""')}"` : value;
}
