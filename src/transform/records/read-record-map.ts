import { charsetNamed } from '../../document/charset.ts';
import type { RecordField, RecordKind, RecordMap } from '../../document/records/record-map.ts';
import { dateFormatProblem } from '../../document/records/record-value.ts';
import type { Given } from '../../expression/given.ts';

const KEYS = [
  'format',
  'delimiter',
  'names',
  'charset',
  'lineEnd',
  'bad',
  'records',
  'title',
  'comment',
];
const KIND_KEYS = ['when', 'at', 'required', 'fields', 'comment'];
const FIELD_KEYS = [
  'name',
  'type',
  'required',
  'width',
  'pad',
  'align',
  'format',
  'decimals',
  'counts',
  'comment',
];

/** Reads a record map, as a YAML file holds it. Reports every problem; use the result only if there was none. */
export function readRecordMap(given: Given): RecordMap {
  given.block('A record map', KEYS);
  const format = word(given.at('format'), 'format', ['delimited', 'fixed'], 'delimited');
  const isFixed = format === 'fixed';
  const kinds = given.at('records').mapping('records') ?? [];
  if (kinds.length === 0) given.wrong('A record map needs records: detail: { fields: [...] }.');
  const records = kinds.map(([name, kind]) => kindOf(name, kind, isFixed));
  checkKinds(given, records);
  const names = given.at('names').flag('names');
  if (names && (isFixed || records.length > 1)) {
    given
      .at('names')
      .wrong('names requires delimited records of one kind: the first line names their columns.');
  }
  return {
    delimiter: isFixed ? undefined : textOr(given.at('delimiter'), 'delimiter', ','),
    names,
    charset: charsetOf(given.at('charset')),
    lineEnd: word(given.at('lineEnd'), 'lineEnd', ['lf', 'crlf'], 'lf') === 'lf' ? '\n' : '\r\n',
    bad: word(given.at('bad'), 'bad', ['suspend', 'set-aside'], 'suspend'),
    records,
  };
}

function kindOf(name: string, given: Given, isFixed: boolean): RecordKind {
  given.block('A kind of record', KIND_KEYS);
  if (name === 'bad')
    given.wrong('bad is reserved for bad records; choose another name for this kind.');
  const fields = given.at('fields').items();
  if (fields.length === 0) given.wrong(`${name} needs fields, such as [mrn, name].`);
  const when = given.at('when');
  const at = given.at('at');
  const required = given.at('required');
  return {
    name,
    when: when.isAbsent ? undefined : textOr(when, 'when', ''),
    at: at.isAbsent ? undefined : word<'first' | 'last'>(at, 'at', ['first', 'last'], 'first'),
    required: required.isAbsent ? !at.isAbsent : required.flag('required'),
    fields: fields.map((field) => fieldOf(field, isFixed)),
  };
}

function fieldOf(given: Given, isFixed: boolean): RecordField {
  const isShort = typeof given.value === 'string';
  if (!isShort) given.block('A field', FIELD_KEYS);
  const at = (key: string): Given => (isShort ? given.at('nothing') : given.at(key));
  const name = (isShort ? given : given.at('name')).text('The name of a field') ?? '';
  const type = word(at('type'), 'type', ['text', 'integer', 'decimal', 'date'], 'text');
  const width = numberOf(at('width'), 'width', 100_000) ?? 0;
  const problem = widthProblem(name, width, isFixed);
  if (problem !== undefined) (width === 0 ? given : at('width')).wrong(problem);
  const format = textOr(at('format'), 'format', 'yyyyMMdd');
  const wrong = dateFormatProblem(format);
  if (wrong !== undefined) at('format').wrong(`${wrong}.`);
  const pad = textOr(at('pad'), 'pad', ' ');
  if (Array.from(pad).length !== 1) at('pad').wrong('pad must be one character.');
  return {
    name,
    type,
    required: at('required').flag('required'),
    width,
    pad,
    align: word(at('align'), 'align', ['left', 'right'], pad === '0' ? 'right' : 'left'),
    format,
    decimals: numberOf(at('decimals'), 'decimals', 10),
    counts: at('counts').isAbsent ? undefined : at('counts').text('counts'),
  };
}

function widthProblem(name: string, width: number, isFixed: boolean): string | undefined {
  if (isFixed) return width > 0 ? undefined : `${name} needs a width: its number of characters.`;
  return width > 0
    ? 'Delimited fields have no width. Write format: fixed for fixed width.'
    : undefined;
}

function checkKinds(given: Given, records: readonly RecordKind[]): void {
  const names = new Set(records.map(({ name }) => name));
  for (const { name, fields } of records) {
    const at = given.at('records').at(name);
    const twice = fields.find(
      (one, index) => fields.findIndex((other) => other.name === one.name) < index,
    );
    if (twice !== undefined) at.wrong(`${name} has two fields named ${twice.name}.`);
    const lost = fields.find(({ counts }) => counts !== undefined && !names.has(counts));
    if (lost !== undefined)
      at.wrong(`${lost.name} counts ${lost.counts}, which is not a kind of record here.`);
  }
  const open = records.filter(({ when, at }) => when === undefined && at === undefined);
  if (open.length > 1) {
    const two = open.map(({ name }) => name).join(' and ');
    given
      .at('records')
      .wrong(`${two} cannot be told apart. Give one a when: what its first field is.`);
  }
}

function word<Word extends string>(
  given: Given,
  key: string,
  words: readonly Word[],
  otherwise: Word,
): Word {
  if (given.isAbsent) return otherwise;
  const found = words.find((one) => one === given.value);
  if (found === undefined) given.wrong(`${key} must be ${words.join(' or ')}.`);
  return found ?? otherwise;
}

function textOr(given: Given, key: string, otherwise: string): string {
  if (given.isAbsent) return otherwise;
  const { value } = given;
  if (typeof value === 'number') return String(value);
  return value === '\t' ? '\t' : (given.text(key) ?? otherwise);
}

function numberOf(given: Given, key: string, most: number): number | undefined {
  if (given.isAbsent) return undefined;
  const { value } = given;
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most) return Number(value);
  given.wrong(`${key} must be a whole number up to ${most}.`);
  return undefined;
}

function charsetOf(given: Given): string {
  const name = textOr(given, 'charset', '');
  if (name !== '' && charsetNamed(name) === undefined) given.wrong(`There is no charset ${name}.`);
  return name;
}
