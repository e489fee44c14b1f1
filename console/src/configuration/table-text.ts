/** One line of a code table; a comment or an empty line has no cells. */
export interface TableRow {
  readonly raw: string;
  readonly cells: readonly string[] | undefined;
}

export interface TableText {
  readonly rows: readonly TableRow[];
  readonly separator: string;
  readonly end: '\n' | '\r\n';
  /** Whether the first row names the columns. */
  readonly headed: boolean;
}

/** Reads a code table line by line; undefined for one with line breaks in cells. */
export function readTable(text: string): TableText | undefined {
  const end = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const separator = separatorOf(lines);
  const rows: TableRow[] = [];
  for (const raw of lines) {
    const cells = isData(raw) ? cellsOf(raw, separator) : undefined;
    if (isData(raw) && cells === undefined) return undefined;
    rows.push({ raw, cells });
  }
  return { rows, separator, end, headed: isHead(rows[0]) };
}

function separatorOf(lines: readonly string[]): string {
  const first = lines.find(isData) ?? '';
  return ['\t', ';', ','].find((one) => first.includes(one)) ?? ',';
}

function isHead(row: TableRow | undefined): boolean {
  const names = row?.cells?.map((one) => one.trim().toLowerCase()) ?? [];
  return names.includes('key') && names.includes('value');
}

export const writeTable = ({ rows, end }: Pick<TableText, 'rows' | 'end'>): string =>
  rows.map(({ raw }) => `${raw}${end}`).join('');

/** A row with one changed cell; its other cells stay unchanged. */
export function rowOf(cells: readonly string[], separator: string): TableRow {
  const quoted = cells.map((one) =>
    one.includes(separator) || /["\r\n]/.test(one) || one.startsWith('#')
      ? `"${one.replaceAll('"', '""')}"`
      : one,
  );
  return { raw: quoted.join(separator), cells };
}

const isData = (line: string): boolean => line.trim() !== '' && !line.startsWith('#');

/** The cells of one line; undefined if a quote is not closed in it. */
function cellsOf(line: string, separator: string): string[] | undefined {
  const cells: string[] = [];
  let at = 0;
  while (at <= line.length) {
    if (line[at] === '"') {
      const quoted = /^"((?:[^"]|"")*)"/.exec(line.slice(at));
      if (quoted === null) return undefined;
      cells.push((quoted[1] ?? '').replaceAll('""', '"'));
      at += quoted[0].length;
      if (at < line.length && line[at] !== separator) return undefined;
    } else {
      const to = line.indexOf(separator, at);
      cells.push(line.slice(at, to < 0 ? undefined : to));
      at = to < 0 ? line.length : to;
    }
    if (at >= line.length) break;
    at += 1;
  }
  return cells;
}
