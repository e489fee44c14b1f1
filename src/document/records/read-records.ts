import { EngineError } from '../../error/engine-error.ts';
import { charsetNamed, decodeFaithfully } from '../charset.ts';
import { readingDelimited } from '../delimited/delimited-document.ts';
import type { BadRecord, RecordKind, RecordMap, RecordValue, RecordValues } from './record-map.ts';
import { FieldFault, readValue } from './record-value.ts';

/** A parsed text of records. */
export interface Records {
  /** A kind that occurs once has its values, or null; any other has a list. */
  readonly values: Readonly<Record<string, RecordValues | null | readonly RecordValues[]>>;
  readonly bad: readonly BadRecord[];
}

/** One record as written. */
interface Row {
  readonly line: number;
  readonly text: string;
  /** Its fields, if delimited. */
  readonly cells: readonly string[];
}

/** How many records are read at a stretch. */
const AT_ONCE = 500;

/**
 * Reads a text by its map. Throws DOCUMENT_UNREADABLE with the line, and never a value, if the
 * whole text cannot be trusted: a header or trailer is missing or its count is wrong, or `bad:
 * suspend` and a record is bad. Stops now and then.
 */
export function* readingRecords(
  bytes: Uint8Array,
  map: RecordMap,
  given?: string,
): Generator<undefined, Records> {
  const rows = yield* rowsOf(bytes, map, given);
  const columns = map.names ? rows.shift()?.cells.map((name) => name.trim()) : undefined;
  const lists = new Map<string, RecordValues[]>(map.records.map(({ name }) => [name, []]));
  const bad: BadRecord[] = [];
  const places = new Map<RecordKind, Row>();
  yield* sortInto({ lists, bad, places }, rows, { map, columns });
  checkRequired(map, lists, rows.at(-1)?.line ?? 1);
  checkCounts(map, lists, { places, bad: bad.length });
  const values = map.records.map(({ name, at }) => {
    const list = lists.get(name) ?? [];
    return [name, at === undefined ? list : (list[0] ?? null)] as const;
  });
  return { values: Object.fromEntries(values), bad };
}

interface Sorted {
  readonly lists: ReadonlyMap<string, RecordValues[]>;
  readonly bad: BadRecord[];
  readonly places: Map<RecordKind, Row>;
}

function* sortInto(
  { lists, bad, places }: Sorted,
  rows: readonly Row[],
  { map, columns }: { readonly map: RecordMap; readonly columns: readonly string[] | undefined },
): Generator<undefined, void> {
  for (const [at, row] of rows.entries()) {
    if (at % AT_ONCE === 0) yield;
    const kind = kindOf(row, map, { first: at === 0, last: at === rows.length - 1 });
    const read = tryValues(row, kind, map, columns);
    if (kind !== undefined) places.set(kind, row);
    if (!(read instanceof FieldFault)) lists.get(kind?.name ?? '')?.push(read);
    // a header or trailer that cannot be read says nothing about the rest
    else if (map.bad === 'suspend' || kind?.at !== undefined)
      throw unreadable(row.line, read.message);
    else bad.push({ line: row.line, reason: read.message, text: row.text });
  }
}

function tryValues(
  row: Row,
  kind: RecordKind | undefined,
  map: RecordMap,
  columns: readonly string[] | undefined,
): RecordValues | FieldFault {
  if (kind === undefined) return new FieldFault('its kind is not in the map');
  try {
    return valuesOf(row, kind, map, columns);
  } catch (error) {
    if (error instanceof FieldFault) return error;
    throw error;
  }
}

function unreadable(line: number, why: string): EngineError {
  return new EngineError('DOCUMENT_UNREADABLE', `The record on line ${line}: ${why}.`);
}

function* rowsOf(
  bytes: Uint8Array,
  map: RecordMap,
  given: string | undefined,
): Generator<undefined, Row[]> {
  const charset = map.charset || given;
  if (map.delimiter === undefined) {
    const { text } = decodeFaithfully(bytes, charsetNamed(charset));
    return text
      .replace(/^\uFEFF/, '')
      .split(/\r\n|\r|\n/)
      .map((line, at) => ({ line: at + 1, text: line, cells: [] }))
      .filter((row) => row.text.trim() !== '');
  }
  const layout = { delimiter: map.delimiter, header: false, charset };
  const document = yield* readingDelimited(bytes, layout);
  const rows: Row[] = [];
  let line = 1;
  for (let n = 1; n <= document.rowCount; n++) {
    if (n % AT_ONCE === 0) yield;
    const text = document.get(`[${n}]`);
    if (text.trim() !== '') rows.push({ line, text, cells: document.row(n) });
    line += 1 + (text.match(/\r\n|\r|\n/g)?.length ?? 0);
  }
  return rows;
}

function kindOf(
  { cells, text, line }: Row,
  { records, delimiter }: RecordMap,
  at: { readonly first: boolean; readonly last: boolean },
): RecordKind | undefined {
  const isAt = (kind: RecordKind): boolean => kind.at === undefined || at[kind.at];
  const marked = records.find(
    ({ when }) =>
      when !== undefined && (delimiter === undefined ? text.startsWith(when) : cells[0] === when),
  );
  if (marked !== undefined) {
    if (isAt(marked)) return marked;
    throw unreadable(
      line,
      `a ${marked.name} must be the ${marked.at ?? ''} record, but this is not`,
    );
  }
  return (
    records.find((kind) => kind.when === undefined && kind.at !== undefined && isAt(kind)) ??
    records.find((kind) => kind.when === undefined && kind.at === undefined)
  );
}

function valuesOf(
  row: Row,
  kind: RecordKind,
  map: RecordMap,
  columns: readonly string[] | undefined,
): RecordValues {
  const values: Record<string, RecordValue> = {};
  const cells = map.delimiter === undefined ? fixedCells(row.text, kind) : row.cells;
  const most = columns?.length ?? kind.fields.length;
  if (cells.length > most) {
    throw new FieldFault(`it has ${cells.length} fields, but the map of ${kind.name} has ${most}`);
  }
  for (const [at, field] of kind.fields.entries()) {
    const index = columns === undefined ? at : columns.indexOf(field.name);
    try {
      values[field.name] = readValue(field, index < 0 ? '' : (cells[index] ?? ''));
    } catch (error) {
      if (!(error instanceof FieldFault)) throw error;
      throw new FieldFault(`${kind.name}.${field.name} ${error.message}`);
    }
  }
  return values;
}

function fixedCells(text: string, { name, fields }: RecordKind): string[] {
  const characters = Array.from(text);
  const width = fields.reduce((sum, field) => sum + field.width, 0);
  if (characters.slice(width).some((one) => one !== ' ')) {
    throw new FieldFault(
      `it has ${characters.length} characters, but the map of ${name} has ${width}`,
    );
  }
  let from = 0;
  return fields.map((field) => {
    const cell = characters.slice(from, from + field.width).join('');
    from += field.width;
    return cell;
  });
}

type Lists = ReadonlyMap<string, readonly RecordValues[]>;

function checkRequired({ records }: RecordMap, lists: Lists, line: number): void {
  const missing = records.find(({ name, required }) => required && lists.get(name)?.length === 0);
  if (missing === undefined) return;
  const what = missing.at === 'last' ? 'it ends without' : 'there is no';
  throw new EngineError(
    'DOCUMENT_UNREADABLE',
    `The records up to line ${line}: ${what} ${missing.name}, as if it were truncated. Write required: false if that is normal.`,
  );
}

/** The count in a trailer is compared with the actual number, including bad records. */
function checkCounts(
  { records }: RecordMap,
  lists: Lists,
  { places, bad }: { readonly places: ReadonlyMap<RecordKind, Row>; readonly bad: number },
): void {
  const counting = records.flatMap((kind) =>
    kind.fields.flatMap(({ name, counts }) =>
      counts === undefined ? [] : [{ kind, name, counts }],
    ),
  );
  for (const { kind, name, counts } of counting) {
    const said = lists.get(kind.name)?.[0]?.[name];
    const found = (lists.get(counts)?.length ?? 0) + bad;
    if (typeof said !== 'number' || said === found) continue;
    const what = `${kind.name}.${name} counts ${said} of ${counts}, but there are ${found}`;
    throw unreadable(places.get(kind)?.line ?? 0, what);
  }
}
