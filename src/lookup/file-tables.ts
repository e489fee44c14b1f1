import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import type * as Csv from 'csv-parse/sync';
import { EngineError } from '../error/engine-error.ts';
import { nearest } from '../error/nearest.ts';
import { describeDuration } from '../time/duration.ts';
import { onFirstUse } from '../time/on-first-use.ts';
import { LoadedTables } from './loaded-tables.ts';
import type { LookupTables } from './lookup-tables.ts';

const csv = onFirstUse<typeof Csv>('csv-parse/sync');

/** Code tables from files, as they are when a production is read. */
interface FileTables extends LookupTables {
  readonly problems: readonly LookupProblem[];
}

type Tables = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Tables that are loaded while the production runs. */
interface FromElsewhere {
  /** Name → milliseconds for which its rows may be used after loading. */
  readonly names: ReadonlyMap<string, number>;
  readonly loaded: LoadedTables;
}

/** Rejects as `readFile` does. */
type ReadBytes = (file: string) => Promise<Uint8Array>;

const NONE: FromElsewhere = { names: new Map(), loaded: new LoadedTables() };

/**
 * Reads the code tables of a production: name → absolute path of a CSV file, in addition to those
 * that are loaded while running. Never throws: errors are in `problems`.
 */
export async function lookupTables(
  files: ReadonlyMap<string, string>,
  elsewhere: FromElsewhere = NONE,
  read: ReadBytes = readFile,
): Promise<FileTables> {
  const { tables, problems } = await readAll(files, read);
  const names = [...files.keys(), ...elsewhere.names.keys()];
  return {
    names,
    loaded: new Set(elsewhere.names.keys()),
    problems,
    lookup(table, key, otherwise = '') {
      const entries = tables.get(table) ?? loadedEntries(table, elsewhere);
      if (entries === undefined) throw unknownTable(table, names);
      return entries.get(key) ?? otherwise;
    },
  };
}

/** Undefined if there is no such loaded table. */
function loadedEntries(
  table: string,
  { names, loaded }: FromElsewhere,
): ReadonlyMap<string, string> | undefined {
  const stale = names.get(table);
  if (stale === undefined) return undefined;
  const found = loaded.of(table);
  if (found === undefined) {
    throw unavailable(
      `The lookup table ${table} has not been loaded yet. This is retried; in a test, give its entries under lookups of the case.`,
    );
  }
  const age = Date.now() - found.at;
  if (age <= stale) return found.entries;
  throw unavailable(
    `The rows of the lookup table ${table} are ${describeDuration(age)} old, and stale allows ${describeDuration(stale)}. It is reloaded as soon as its source answers.`,
  );
}

const unavailable = (text: string): EngineError =>
  new EngineError('LOOKUP_UNAVAILABLE', text, { retryable: true });

async function readAll(
  files: ReadonlyMap<string, string>,
  bytesOf: ReadBytes,
): Promise<{ tables: Tables; problems: LookupProblem[] }> {
  const read = await Promise.all(
    [...files].map(async ([table, file]) => ({
      table,
      ...(await readLookupFile(table, file, bytesOf)),
    })),
  );
  return {
    tables: new Map(read.map(({ table, entries }) => [table, entries])),
    problems: read.flatMap(({ problems }) => problems),
  };
}

function unknownTable(table: string, known: Iterable<string>): EngineError {
  const near = nearest(table, known);
  return new EngineError(
    'EXPRESSION_FAILED',
    `There is no lookup table ${JSON.stringify(table)}${near === undefined ? '.' : `; did you mean ${near}?`} Tables are defined under lookups in the production.`,
  );
}

/** A problem in the file of a code table, with its place and remedy. */
interface LookupProblem {
  readonly table: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** No capital, no full stop. */
  readonly what: string;
  /** A full sentence, or `''` if `what` already says it. */
  readonly remedy: string;
}

interface LookupFile {
  readonly entries: ReadonlyMap<string, string>;
  readonly problems: readonly LookupProblem[];
}

interface TableLine {
  readonly cells: readonly string[];
  readonly line: number;
}

/**
 * Reads one code table: a key and a value per line, separated by comma, semicolon or tab, quoted as
 * in RFC 4180. Further columns are notes. Empty lines and lines that begin with `#` are skipped. A
 * first line with the columns `key` and `value` is a header and determines their order.
 */
async function readLookupFile(table: string, file: string, read: ReadBytes): Promise<LookupFile> {
  const problem = (line: number, what: string, remedy = ''): LookupProblem => ({
    table,
    file,
    line,
    what,
    remedy,
  });
  let bytes: Uint8Array;
  try {
    bytes = await read(file);
  } catch (error) {
    const { code } = error as { code?: unknown };
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${String(code)})`;
    return { entries: new Map(), problems: [problem(1, `the file ${why}`)] };
  }
  if (!isUtf8(bytes)) {
    const what = 'the file is not in UTF-8';
    return { entries: new Map(), problems: [problem(1, what, 'Save it as UTF-8.')] };
  }
  const text = new TextDecoder().decode(bytes);
  // an editor that was stopped while it wrote, or a disk that was full: every key would be unknown at once
  if (text.trim() === '') {
    const remedy = 'Write its rows; a table without any has the line key,value.';
    return { entries: new Map(), problems: [problem(1, 'the file is empty', remedy)] };
  }
  try {
    return entriesOf(rowsOf(text), problem);
  } catch (error) {
    if (!(error instanceof csv().CsvError)) throw error;
    const line = typeof error['lines'] === 'number' ? error['lines'] : 1;
    const remedy = 'A value that contains a quote must itself be quoted, with its quotes doubled.';
    return {
      entries: new Map(),
      problems: [problem(line, 'a quote is not closed or is inside a value', remedy)],
    };
  }
}

function rowsOf(text: string): TableLine[] {
  const records = csv().parse(text, {
    bom: true,
    comment: '#',
    comment_no_infix: true,
    delimiter: delimiterOf(text),
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  }) as unknown as { readonly record: string[]; readonly info: { readonly lines: number } }[];
  return records.map(({ record, info }) => ({ cells: record, line: info.lines }));
}

/** Comma, unless the first line of values has no comma but a semicolon or tab. */
function delimiterOf(text: string): string {
  const first = text
    .split(/\r\n|\r|\n/)
    .find((line) => line.trim() !== '' && !line.startsWith('#'));
  return [',', ';', '\t'].find((delimiter) => first?.includes(delimiter)) ?? ',';
}

function entriesOf(
  rows: readonly TableLine[],
  problem: (line: number, what: string, remedy?: string) => LookupProblem,
): LookupFile {
  const names = (rows[0]?.cells ?? []).map((cell) => cell.toLowerCase());
  const header = names.includes('key') && names.includes('value');
  const [keyColumn, valueColumn] = header ? [names.indexOf('key'), names.indexOf('value')] : [0, 1];
  const entries = new Map<string, string>();
  const lines = new Map<string, number>();
  const problems: LookupProblem[] = [];
  for (const { cells, line } of header ? rows.slice(1) : rows) {
    const key = cells[keyColumn] ?? '';
    const value = cells[valueColumn];
    const before = lines.get(key);
    if (value === undefined) {
      problems.push(problem(line, 'the line has a key and no value', 'Write both: KEY,value.'));
    } else if (key === '') {
      problems.push(problem(line, 'the key is empty', 'Write both: KEY,value.'));
    } else if (before !== undefined) {
      const what = `the key ${key} is already in line ${before}`;
      problems.push(problem(line, what, 'Remove one of them.'));
    } else {
      entries.set(key, value);
      lines.set(key, line);
    }
  }
  return { entries, problems };
}
