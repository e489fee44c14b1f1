import type { Line } from '../../segment/line.ts';
import { partOf, partsOf } from '../../segment/part.ts';
import { isHeaderName } from '../delimiters.ts';
import { type FieldDefinition, tableCodes } from '../dictionary/dictionary.ts';
import { finding, type Hl7Finding, type Hl7Place } from '../finding.ts';
import type { Checked } from './checked.ts';

/** One field of one segment. */
interface Field {
  readonly definition: FieldDefinition;
  readonly raw: string;
  /** `OBX[2]-5 (Observation Value)`. */
  readonly called: string;
  readonly place: Hl7Place;
}

/** Required fields, repetitions, data types, codes, and lengths if asked. */
export function checkFields(checked: Checked): Hl7Finding[] {
  const counts = new Map<number, number>();
  return checked.document.lines().flatMap((line) => {
    const index = (counts.get(line.code) ?? 0) + 1;
    counts.set(line.code, index);
    return line.code === 0 ? [] : checkSegment(checked, line, index);
  });
}

function checkSegment(checked: Checked, line: Line, index: number): Hl7Finding[] {
  const separator = checked.document.delimiters.field;
  const name = line.text.slice(0, 3);
  const definitions = checked.dictionary.fields(name) ?? [];
  const isHeader = isHeaderName(name);
  const offset = isHeader ? 1 : 0;
  const segment = index === 1 ? name : `${name}[${index}]`;
  const findings: Hl7Finding[] = [];
  for (const [at, definition] of definitions.entries()) {
    const number = at + 1;
    if (isHeader && number <= 2) continue;
    const field: Field = {
      definition,
      raw: line.slot(number - offset, separator),
      called: `${segment}-${number} (${definition.name})`,
      place: [name, index, number],
    };
    findings.push(...checkField(checked, line, field));
  }
  const surplus = line.slots(separator) + offset - definitions.length;
  if (surplus > 0 && definitions.length > 0) {
    const text = `${segment} has ${definitions.length} fields in HL7 ${checked.dictionary.version}, found ${surplus} more.`;
    findings.push(finding('warning', '199', text, [name, index]));
  }
  return findings;
}

function checkField(checked: Checked, line: Line, field: Field): Hl7Finding[] {
  const { definition, raw, called, place } = field;
  // MSH-9, 10 and 12 are part of the structure.
  const reported = place[0] === 'MSH' && [9, 10, 12].includes(place[2] ?? 0);
  if (raw === '') {
    if (definition.usage !== 'required' || reported) return [];
    return [finding('error', '101', `${called} is missing.`, place)];
  }
  const repetitions = partsOf(raw, checked.document.delimiters.repetition);
  const type = definition.type === 'VARIES' ? typeOfValue(checked, line) : definition.type;
  const findings = repetitions.flatMap((value) =>
    checkValue(checked, { ...definition, type }, value, []).map(({ severity, code, what, part }) =>
      finding(severity, code, `${called}${part} ${what}.`, place),
    ),
  );
  if (repetitions.length > definition.repetitions) {
    const text = `${called} occurs ${repetitions.length} times, at most ${definition.repetitions} is allowed.`;
    findings.push(finding('warning', '198', text, place));
  }
  if (checked.options.lengths === true && raw.length > (definition.length ?? raw.length)) {
    const text = `${called} is longer than ${definition.length} characters.`;
    findings.push(finding('warning', '104', text, place));
  }
  return findings;
}

/** OBX-5 has the type that OBX-2 of the same segment names. */
function typeOfValue({ document }: Checked, line: Line): string {
  return line.text.startsWith('OBX') ? line.slot(2, document.delimiters.field).trim() : 'VARIES';
}

interface Doubt {
  readonly severity: Hl7Finding['severity'];
  readonly code: string;
  /** `, part 4.3 (Universal ID Type)`; `''` if the whole field is meant. */
  readonly part: string;
  readonly what: string;
}

/** Checks a value and its parts; `at` has the numbers of the components above it. */
function checkValue(
  checked: Checked,
  definition: FieldDefinition,
  value: string,
  at: readonly number[],
): Doubt[] {
  const { component, subcomponent } = checked.document.delimiters;
  const separator = [component, subcomponent][at.length];
  const { type, name } = definition;
  const part = at.length === 0 ? '' : `, part ${at.join('.')} (${name}),`;
  if (hasShape(type)) {
    const first = separator === undefined ? value : partOf(value, separator, 1);
    if (fitsType(first, type)) return [];
    return [{ severity: 'error', code: '102', part, what: `is not a valid ${type}` }];
  }
  if (type === 'ID') return codeDoubts(definition, value, part);
  const parts = checked.dictionary.components(type) ?? [];
  if (parts.length === 0 || separator === undefined) return [];
  return partsOf(value, separator).flatMap((text, index) => {
    const below = parts[index];
    if (below === undefined || text === '') return [];
    return checkValue(checked, below, text, [...at, index + 1]);
  });
}

/**
 * Tables that the dictionary has only in part, or that sites extend: versions, structures,
 * identifier and name types, coding systems.
 */
const OPEN_TABLES: ReadonlySet<string> = new Set(['104', '200', '203', '301', '354', '396']);

/** Only a warning: the tables are not per version. */
function codeDoubts({ table = '' }: FieldDefinition, value: string, part: string): Doubt[] {
  const code = value.trim();
  if (code === '' || code === '""' || table === '' || OPEN_TABLES.has(table)) return [];
  const codes = tableCodes(table);
  if (codes === undefined || Object.hasOwn(codes, code)) return [];
  const what = `is not a code of HL7 table ${table.padStart(4, '0')}`;
  return [{ severity: 'warning', code: '103', part, what }];
}

const ZONE = '(?:[+-](?:0\\d|1[0-4])[0-5]\\d)?';
const CLOCK = '(?:[01]\\d|2[0-3])(?:[0-5]\\d(?:[0-5]\\d(?:\\.\\d{1,4})?)?)?';
const MONTH = '(?:0[1-9]|1[0-2])';
const DAY = '(?:0[1-9]|[12]\\d|3[01])';

/** The format of primitive types (HL7 chapter 2A), without types that allow any text. */
const SHAPES: ReadonlyMap<string, RegExp> = new Map([
  ['NM', /^[+-]?(?:\d+\.?\d*|\.\d+)$/],
  ['SI', /^\d{1,9}$/],
  ['DT', new RegExp(`^\\d{4}(?:${MONTH}(?:${DAY})?)?$`)],
  ['TM', new RegExp(`^${CLOCK}${ZONE}$`)],
  ['DTM', new RegExp(`^\\d{4}(?:${MONTH}(?:${DAY}(?:${CLOCK})?)?)?${ZONE}$`)],
]);

/** Whether a type's values have a format that can be checked. */
function hasShape(type: string): boolean {
  return SHAPES.has(type) || type === 'TS';
}

/** Whether a value has the format of its type. The empty value and HL7's null always do. */
export function fitsType(value: string, type: string): boolean {
  const text = value.trim();
  if (text === '' || text === '""') return true;
  // TS is a DTM followed by an outdated precision.
  const shape = SHAPES.get(type === 'TS' ? 'DTM' : type);
  if (shape === undefined) return true;
  if (!shape.test(text)) return false;
  return type === 'NM' || type === 'SI' || type === 'TM' || isDay(text);
}

/** Whether the month has such a day. */
function isDay(text: string): boolean {
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)/.exec(text) ?? [];
  if (day === undefined) return true;
  return Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
}
