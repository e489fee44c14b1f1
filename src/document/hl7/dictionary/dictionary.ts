import { readFileSync } from 'node:fs';
import type { DictionaryFile, TableFile } from './dictionary-file.ts';
import { type StructureNode, structureNodes } from './structure.ts';

/** What HL7 says about a field or component. */
export interface FieldDefinition {
  readonly name: string;
  /** A data type; `VARIES` means the one that OBX-2 names. */
  readonly type: string;
  readonly usage: 'required' | 'optional' | 'backward' | 'withdrawn';
  /** How often it may occur; Infinity without a limit. */
  readonly repetitions: number;
  readonly length: number | undefined;
  /** Number of its table, without leading zeros. */
  readonly table: string | undefined;
}

/** One version of HL7: names and rules of segments, fields, types and messages. */
export interface Hl7Dictionary {
  readonly version: string;
  readonly segments: readonly string[];
  readonly messages: readonly string[];
  segmentName(segment: string): string | undefined;
  /** All fields of a segment, field 1 first; undefined for an unknown segment. */
  fields(segment: string): readonly FieldDefinition[] | undefined;
  /** The components of a data type; none for a primitive one, undefined for an unknown one. */
  components(type: string): readonly FieldDefinition[] | undefined;
  /** The structure of `ADT_A04` (type and event) or of a structure's own name. */
  structure(message: string): readonly StructureNode[] | undefined;
  /** Every reading of its structure, the preferred one first; a message is valid by any of them. */
  readings(message: string): readonly (readonly StructureNode[])[];
  /** Whether it may contain any other segment. */
  isOpen(message: string): boolean;
  messageName(message: string): string | undefined;
}

/** The supported versions. */
export const HL7_VERSIONS = [
  '2.1',
  '2.2',
  '2.3',
  '2.3.1',
  '2.4',
  '2.5',
  '2.5.1',
  '2.6',
  '2.7',
  '2.7.1',
  '2.8',
  '2.8.1',
  '2.8.2',
  '2.9',
] as const;

/** 2.7.1 changes nothing that is checked here; 2.8.1 and 2.8.2 correct 2.8, which includes what they allow. */
const SAME_AS: Readonly<Record<string, string>> = {
  '2.7.1': '2.7',
  '2.8.1': '2.8',
  '2.8.2': '2.8',
  '2.9': '2.8',
};

/** Whether a version is later than the newest one that is completely known: unknown names may be valid. */
export function isNewer(version: string): boolean {
  return version === '2.9';
}
const loaded = new Map<string, Hl7Dictionary>();

/** The dictionary of a version, read on first use; undefined for an unknown version. */
export function hl7Dictionary(version: string): Hl7Dictionary | undefined {
  const known = HL7_VERSIONS.find((one) => one === version);
  if (known === undefined) return undefined;
  const file = SAME_AS[known] ?? known;
  const before = loaded.get(file);
  if (before !== undefined) return before;
  const made = dictionaryOf(read(file) as DictionaryFile);
  loaded.set(file, made);
  return made;
}

/** The name of a field such as `Patient Identifier List`; undefined if it or the version is unknown. */
export function fieldName(version: string, segment: string, field: number): string | undefined {
  return hl7Dictionary(version)?.fields(segment)?.[field - 1]?.name;
}

export function segmentName(version: string, segment: string): string | undefined {
  return hl7Dictionary(version)?.segmentName(segment);
}

let tables: TableFile | undefined;

/** The codes of a table with their meanings; undefined if it is unknown or open-ended. */
export function tableCodes(table: string): Readonly<Record<string, string>> | undefined {
  tables ??= (read('tables') as { tables: TableFile }).tables;
  const codes = tables[String(Number(table))]?.[1];
  return codes === undefined || Object.keys(codes).length === 0 ? undefined : codes;
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8'));
}

function dictionaryOf(file: DictionaryFile): Hl7Dictionary {
  const fields = definitions(file.segments);
  const components = definitions(file.types);
  const structures = new Map<number, readonly StructureNode[]>();
  const open = new Set(file.open);
  const nodesOf = (index: number): readonly StructureNode[] => {
    const nodes = structures.get(index) ?? structureNodes(file.structures[index] ?? '');
    structures.set(index, nodes);
    return nodes;
  };
  return {
    version: file.version,
    segments: Object.keys(file.segments),
    messages: Object.keys(file.messages),
    segmentName: (segment) => own(file.segments, segment)?.[0],
    fields,
    components,
    messageName: (message) => own(file.messages, message)?.[1],
    structure: (message) => {
      const index = own(file.messages, message)?.[0];
      return index === undefined ? undefined : nodesOf(index);
    },
    readings: (message) => {
      const [first, _, ...more] = own(file.messages, message) ?? [];
      return first === undefined ? [] : [first, ...more].map(nodesOf);
    },
    isOpen: (message) => open.has(message),
  };
}

/** Parses the fields of a segment or type when they are first needed. */
function definitions(
  texts: Readonly<Record<string, readonly string[]>>,
): (name: string) => readonly FieldDefinition[] | undefined {
  const known = new Map<string, readonly FieldDefinition[]>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const made = own(texts, name)?.slice(1).map(fieldOf);
    if (made !== undefined) known.set(name, made);
    return made;
  };
}

function fieldOf(text: string): FieldDefinition {
  const [type = '', usage = '', length = '', table = '', ...name] = text.split('|');
  const repeat = usage.replace(/^[RBW]/, '');
  const usages = { R: 'required', B: 'backward', W: 'withdrawn' } as const;
  return {
    name: name.join('|'),
    type,
    usage: usages[usage.charAt(0) as keyof typeof usages] ?? 'optional',
    repetitions: repeat === '*' ? Number.POSITIVE_INFINITY : Number(repeat || 1),
    length: length === '' ? undefined : Number(length),
    table: table === '' ? undefined : table,
  };
}

/** Excludes properties that every object has, such as `constructor`. */
function own<Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
