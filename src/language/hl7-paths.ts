import {
  type FieldDefinition,
  HL7_VERSIONS,
  type Hl7Dictionary,
  hl7Dictionary,
  knownPath,
  tableCodes,
} from '../document/index.ts';
import { type PathChoice, x12Choices } from './x12-paths.ts';

/** The version whose names are shown, then the others, newest first, for what only they have. */
const USUAL = '2.5.1';
const VERSIONS = [USUAL, ...HL7_VERSIONS.toReversed().filter((one) => one !== USUAL)];

function* dictionaries(): Generator<Hl7Dictionary> {
  for (const version of VERSIONS) {
    const dictionary = hl7Dictionary(version);
    if (dictionary !== undefined) yield dictionary;
  }
}

const SEGMENT = /^[A-Z][A-Z\d]{0,2}$|^$/;
const FIELD = /^(([A-Z][A-Z\d]{2})(?:\[[\d*#]*\])?)-\d*$/;
const PART = /^(([A-Z][A-Z\d]{2})(?:\[[\d*#]*\])?-(\d+)(?:\[[\d*#]*\])?(?:\.(\d+))?)\.\d*$/;

/** What may follow at the end of a path that is being written: segments, fields, components, subcomponents of HL7, elements of X12. */
export function pathChoices(beginning: string): PathChoice[] {
  const found = hl7Choices(beginning);
  return found.length > 0 ? found : x12Choices(beginning);
}

function hl7Choices(beginning: string): PathChoice[] {
  if (SEGMENT.test(beginning)) return segmentChoices();
  const [, before = '', segment = ''] = FIELD.exec(beginning) ?? [];
  if (segment !== '') {
    for (const dictionary of dictionaries()) {
      const fields = dictionary.fields(segment);
      if (fields !== undefined) return numbered(fields, `${before}-`, dictionary);
    }
  }
  const [, whole = '', of = '', field, component] = PART.exec(beginning) ?? [];
  return of === '' ? [] : partChoices(whole, of, { field, component });
}

/** All segments of all versions. */
export function segmentChoices(): PathChoice[] {
  const found = new Map<string, string>();
  for (const dictionary of dictionaries()) {
    for (const name of dictionary.segments) {
      if (!found.has(name)) found.set(name, dictionary.segmentName(name) ?? '');
    }
  }
  return [...found]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, detail]) => ({ label, detail, documentation: undefined }));
}

/** The types of messages, as `type` in conditions names them. */
export function messageTypeChoices(): PathChoice[] {
  const dictionary = hl7Dictionary(USUAL);
  return (dictionary?.messages ?? []).map((label) => ({
    label,
    detail: dictionary?.messageName(label) ?? '',
    documentation: undefined,
  }));
}

/** The codes of the table of a field or component. */
export function codeChoices(path: string): PathChoice[] {
  const table = definitionAt(path)?.definition.table;
  const codes = table === undefined ? undefined : tableCodes(table);
  return Object.entries(codes ?? {}).map(([label, detail]) => ({
    label,
    detail,
    documentation: undefined,
  }));
}

function partChoices(
  whole: string,
  segment: string,
  {
    field,
    component,
  }: { readonly field: string | undefined; readonly component: string | undefined },
): PathChoice[] {
  for (const dictionary of dictionaries()) {
    const definition = dictionary.fields(segment)?.[Number(field) - 1];
    const outer = definition && dictionary.components(definition.type);
    const type = component === undefined ? undefined : outer?.[Number(component) - 1]?.type;
    const parts = component === undefined ? outer : type && dictionary.components(type);
    if (parts !== undefined && parts !== '' && parts.length > 0) {
      return numbered(parts, `${whole}.`, dictionary);
    }
  }
  return [];
}

function numbered(
  parts: readonly FieldDefinition[],
  before: string,
  dictionary: Hl7Dictionary,
): PathChoice[] {
  return parts.map((part, index) => ({
    label: `${before}${index + 1}`,
    detail: part.name,
    documentation: describeField(part, dictionary),
  }));
}

/** The most codes of a table that are shown. */
const SHOWN = 24;

function describeField(
  { type, usage, repetitions, table }: FieldDefinition,
  { version }: Hl7Dictionary,
): string {
  const facts = [
    `\`${type}\``,
    usage === 'optional' ? undefined : USAGE[usage],
    repetitions > 1 ? 'repeats' : undefined,
    `HL7 ${version}`,
  ].filter((one) => one !== undefined);
  const codes = table === undefined ? undefined : tableCodes(table);
  if (table === undefined) return facts.join(', ');
  const all = Object.entries(codes ?? {});
  const more = all.length > SHOWN ? [`- … ${all.length - SHOWN} more`] : [];
  const lines = all.slice(0, SHOWN).map(([code, text]) => `- \`${code}\` ${text}`);
  return [`${facts.join(', ')}, table ${table.padStart(4, '0')}`, '', ...lines, ...more].join('\n');
}

const USAGE = {
  required: 'required',
  backward: 'kept for older versions',
  withdrawn: 'withdrawn',
} as const;

interface Found {
  readonly names: readonly string[];
  readonly definition: FieldDefinition;
  readonly dictionary: Hl7Dictionary;
}

const PARTS =
  /^([A-Z][A-Z\d]{2})(?:\[[\d*#]*\])?(?:-(\d+)(?:\[[\d*#]*\])?(?:\.(\d+)(?:\.(\d+))?)?)?$/;

function definitionAt(path: string): Found | undefined {
  const [, segment = '', ...numbers] = PARTS.exec(path) ?? [];
  for (const dictionary of dictionaries()) {
    const found = definitionIn(dictionary, segment, numbers);
    if (found !== undefined) return found;
  }
  return undefined;
}

function definitionIn(
  dictionary: Hl7Dictionary,
  segment: string,
  [field, ...parts]: readonly (string | undefined)[],
): Found | undefined {
  let definition = dictionary.fields(segment)?.[Number(field) - 1];
  if (definition === undefined) return undefined;
  const names = [definition.name];
  for (const part of parts) {
    if (part === undefined) break;
    const below: FieldDefinition | undefined = dictionary.components(definition.type)?.[
      Number(part) - 1
    ];
    if (below === undefined) break;
    definition = below;
    names.push(below.name);
  }
  return { names, definition, dictionary };
}

/** What an HL7 path means, as Markdown; undefined for what is none, or unknown to HL7. */
export function pathExplanation(path: string): string | undefined {
  const [, segment = '', field] = PARTS.exec(path) ?? [];
  if (segment === '') return undefined;
  if (field === undefined) {
    for (const dictionary of dictionaries()) {
      const name = dictionary.segmentName(segment);
      if (name !== undefined) return `**${path}** ${name}`;
    }
    return undefined;
  }
  const found = definitionAt(path);
  if (found === undefined || !knownPath(path.replaceAll('#', '1')).known) return undefined;
  return `**${path}** ${found.names.join(' › ')}\n\n${describeField(found.definition, found.dictionary)}`;
}
