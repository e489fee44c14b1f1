import { EngineError } from '../../error/engine-error.ts';
import { charsetNamed, UTF8 } from '../charset.ts';
import type { Document } from '../document.ts';
import { JsonDocument, type JsonForm } from '../json/json-document.ts';
import type { RecordField, RecordKind, RecordMap } from './record-map.ts';
import { FieldFault, writeValue } from './record-value.ts';

/** Writes a JSON document as a text of records: `/header/sent`, `/detail/0/mrn`. Throws TRANSFORM_FAILED with the place, never a value. */
export function writeRecords(document: Document, map: RecordMap): Uint8Array {
  checkKinds(document, map);
  const counts = new Map<string, number>();
  const rows: string[] = [];
  if (map.names) {
    const cells = map.records[0]?.fields.map(({ name }) => cellOf(name, map)) ?? [];
    rows.push(cells.join(map.delimiter ?? ''));
  }
  for (const kind of map.records) {
    const places = placesOf(document, kind);
    counts.set(kind.name, places.length);
  }
  for (const kind of map.records) {
    const places = placesOf(document, kind);
    if (kind.required && places.length === 0) throw failed(`there is no ${kind.name}`);
    for (const place of places) rows.push(rowOf(document, place, { kind, map, counts }));
  }
  const charset = charsetNamed(map.charset) ?? UTF8;
  const text = rows.map((row) => row + map.lineEnd).join('');
  if (!charset.canEncode(text))
    throw failed(`a value has characters that ${charset.name} cannot write`);
  return charset.encode(text);
}

function failed(why: string): EngineError {
  return new EngineError('TRANSFORM_FAILED', `The records cannot be written: ${why}.`);
}

/** What would otherwise be left out, and the file be shorter than it should: a list under a name that no kind has, a kind that is no list. */
function checkKinds(document: Document, { records }: RecordMap): void {
  const members = document instanceof JsonDocument ? document.members('') : undefined;
  const names = records.map(({ name }) => name);
  if (members === undefined) {
    throw failed(`the body is no object with the kinds of record, such as ${names[0]}`);
  }
  const kinds = new Map(records.map((kind) => [kind.name, kind]));
  for (const [name, form] of members) {
    const kind = kinds.get(name);
    if (kind !== undefined) checkForm(kind, form);
    // `bad` is what NAME.read could not read
    else if (name !== 'bad' && (form === 'array' || form === 'object')) {
      throw failed(`/${name} is no kind of record; there are ${names.join(', ')}`);
    }
  }
}

function checkForm({ name, at }: RecordKind, form: JsonForm): void {
  if (form === 'null' || form === (at === undefined ? 'array' : 'object')) return;
  throw failed(at === undefined ? `/${name} must be a list` : `/${name} must be an object`);
}

/** The JSON pointers of the records of a kind. A trailer that only counts needs no values. */
function placesOf(document: Document, { name, at, fields }: RecordKind): string[] {
  const counts = fields.some((field) => field.counts !== undefined);
  if (at !== undefined) return document.get(`/${name}`) !== '' || counts ? [`/${name}`] : [];
  const places: string[] = [];
  for (let n = 0; document.has(`/${name}/${n}`); n++) places.push(`/${name}/${n}`);
  return places;
}

interface Writing {
  readonly kind: RecordKind;
  readonly map: RecordMap;
  readonly counts: ReadonlyMap<string, number>;
}

function rowOf(document: Document, place: string, { kind, map, counts }: Writing): string {
  const cells = kind.fields.map((field, at) => {
    try {
      const value = valueAt(document, `${place}/${field.name}`, { field, counts });
      const own = at === 0 && value === '' && kind.when !== undefined ? kind.when : value;
      return cellOf(writeValue(field, own), map);
    } catch (error) {
      if (error instanceof FieldFault) throw failed(`${place}/${field.name} ${error.message}`);
      throw error;
    }
  });
  return cells.join(map.delimiter ?? '');
}

function valueAt(
  document: Document,
  path: string,
  { field, counts }: { readonly field: RecordField; readonly counts: ReadonlyMap<string, number> },
): string {
  if (field.counts !== undefined) return String(counts.get(field.counts) ?? 0);
  return document.get(path);
}

function cellOf(value: string, { delimiter }: RecordMap): string {
  if (delimiter === undefined) {
    // a line end would start another record
    if (/[\r\n]/.test(value)) throw failed('a value contains a line end');
    return value;
  }
  const quoted = /["\r\n]/.test(value) || value.includes(delimiter);
  return quoted ? `"${value.replaceAll('"', '""')}"` : value;
}
