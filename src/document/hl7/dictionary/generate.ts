import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import dictionary, {
  type SourceDefinition,
  type SourceField,
  type SourceNode,
} from 'hl7-dictionary';
import type { DictionaryFile, TableFile } from './dictionary-file.ts';

/**
 * Makes the JSON files of this folder from the development dependency `hl7-dictionary` (MIT):
 *
 *     node --conditions=waybill-source src/document/hl7/dictionary/generate.ts
 *
 * Nothing loads it at run time. A test compares its output with the committed files.
 */

/** File name → content: one for each version, and the tables, which the source has for all versions together. */
export function dictionaryFiles(): Map<string, string> {
  const files = new Map<string, string>();
  const made = new Map<string, DictionaryFile>();
  const of = (version: string): DictionaryFile => {
    const file = made.get(version);
    if (file === undefined) throw new Error(`${version} is not made yet`);
    return file;
  };
  for (const [version, definition] of Object.entries(dictionary.definitions)) {
    // The source's 2.7.1 is a copy of its 2.7.
    if (version === '2.7.1') continue;
    made.set(version, decided(fileOf(version, correctDefinition(version, definition)), of));
  }
  // The source ends with 2.7: the changes of 2.8 come from decisions.
  made.set('2.8', decided({ ...of('2.7'), version: '2.8' }, of));
  for (const [version, file] of made) files.set(`${version}.json`, lines(file));
  const tables: TableFile = Object.fromEntries(
    Object.entries(correctTables(dictionary.tables)).map(([number, { desc, values = {} }]) => [
      number,
      [
        tidy(desc),
        Object.fromEntries(Object.entries(values).map(([code, text]) => [code, short(text, 50)])),
      ],
    ]),
  );
  files.set('tables.json', lines({ tables }));
  return files;
}

function fileOf(version: string, definition: SourceDefinition): DictionaryFile {
  const structures: string[] = [];
  const messages: Record<string, [number, string, ...number[]]> = {};
  for (const [name, { desc, segments }] of Object.entries(definition.messages)) {
    const text = segments.segments.map(written).join(' ');
    const known = structures.indexOf(text);
    messages[name] = [known < 0 ? structures.push(text) - 1 : known, short(desc, 40)];
  }
  return {
    version,
    segments: mapped(definition.segments, ({ desc, fields }) => [
      tidy(desc),
      ...fields.map(fieldText),
    ]),
    types: mapped(definition.fields, ({ desc, subfields = [] }) => [
      tidy(desc),
      ...subfields.map(fieldText),
    ]),
    messages,
    structures,
    open: [],
  };
}

/** `CX|R*|250||Patient Identifier List`, see `DictionaryFile`. */
function fieldText({ datatype, opt, rep, len, table, desc }: SourceField): string {
  const usage = ['', '', 'R', 'B', 'W'][opt] ?? '';
  const repeat = rep === 0 ? '*' : rep === 1 ? '' : String(rep);
  return [datatype, usage + repeat, len ?? '', table ?? '', tidy(desc)].join('|');
}

/** `[…]` optional, `{…}` repeating, `NAME(…)` a group, `<A|B>` one of them. */
function written(node: SourceNode): string {
  const inner =
    node.compounds === undefined
      ? node.children === undefined
        ? String(node.name)
        : `${groupName(node)}(${node.children.map(written).join(' ')})`
      : `<${node.compounds.map(({ name }) => name).join('|')}>`;
  const repeated = node.max === 1 ? inner : `{${inner}}`;
  return node.min === 0 ? `[${repeated}]` : repeated;
}

/** The source has a few group names with blanks, brackets or lower-case letters. */
function groupName({ name }: SourceNode): string {
  return (name ?? '')
    .toUpperCase()
    .replaceAll(/[^A-Z\d]+/g, '_')
    .replaceAll(/^_|_$/g, '');
}

function mapped<From, To>(
  record: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function tidy(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

function short(text: string, length: number): string {
  const whole = tidy(text);
  return whole.length <= length ? whole : `${whole.slice(0, length - 1).trimEnd()}…`;
}

/** JSON with one entry per line, so that changes are readable. */
function lines(file: object): string {
  const parts = Object.entries(file).map(([key, value]) => {
    if (typeof value !== 'object' || value === null)
      return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
    const entries = Array.isArray(value)
      ? value.map((entry) => JSON.stringify(entry))
      : Object.entries(value).map(
          ([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`,
        );
    const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
    return `${JSON.stringify(key)}:${open}\n${entries.join(',\n')}\n${close}`;
  });
  return `{\n${parts.join(',\n')}\n}\n`;
}

type Tables = Readonly<
  Record<string, { readonly desc: string; readonly values?: Readonly<Record<string, string>> }>
>;

/** Known errors of the source, by version, segment and field, and what HL7's own text says. */
const FIELDS: Readonly<Record<string, Partial<SourceField>>> = {
  '2.5.1 OBX-2': { rep: 1 },
  '2.5.1 OBX-20': { datatype: 'CWE', desc: 'Observation Site', rep: 0 },
  '2.5.1 OBX-21': { datatype: 'EI', desc: 'Observation Instance Identifier' },
  '2.5.1 OBX-22': { datatype: 'CWE', desc: 'Mood Code' },
};

/** Codes that the source's tables lack. 0125 lists the types an OBX-5 may have; CE and TS were left out. */
const CODES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  125: {
    CE: 'Coded Element',
    CNE: 'Coded with No Exceptions',
    EI: 'Entity Identifier',
    HD: 'Hierarchic Designator',
    ID: 'Coded Value for HL7 Defined Tables',
    IS: 'Coded Value for User-Defined Tables',
    MA: 'Multiplexed Array',
    NA: 'Numeric Array',
    TS: 'Time Stamp',
  },
};

/**
 * Corrects one version of the source: wrong fields, names that are not segments, structures without
 * MSH, choices without names.
 */
function correctDefinition(version: string, definition: SourceDefinition): SourceDefinition {
  const segments = Object.entries(definition.segments)
    .filter(([name]) => /^[A-Z][A-Z\d]{2}$/.test(name))
    .map(([name, segment]) => {
      const fields = segment.fields.map((field, index) => ({
        ...field,
        ...FIELDS[`${version} ${name}-${index + 1}`],
      }));
      return [name, { ...segment, fields }] as const;
    });
  const choices = choicesByGroup(definition);
  const messages = Object.entries(definition.messages).map(([name, message]) => {
    const nodes = message.segments.segments.flatMap((node) => correctNode(node, '', choices));
    const header = nodes[0]?.name === 'MSH' ? [] : [{ name: 'MSH', min: 1, max: 1 }];
    // The source writes the letter O of this event as a zero.
    const key = name === 'OMG_019' ? 'OMG_O19' : name;
    return [key, { ...message, segments: { segments: [...header, ...nodes] } }] as const;
  });
  return {
    fields: definition.fields,
    segments: Object.fromEntries(segments),
    messages: Object.fromEntries(messages),
  };
}

function correctTables(tables: Tables): Tables {
  return Object.fromEntries(
    Object.entries(tables).map(([number, table]) => [
      number,
      { ...table, values: { ...CODES[number], ...table.values } },
    ]),
  );
}

type Choices = ReadonlyMap<string, readonly SourceNode[]>;

/** The named choices inside each group, from the messages that name them. */
function choicesByGroup(definition: SourceDefinition): Choices {
  const choices = new Map<string, readonly SourceNode[]>();
  const visit = (node: SourceNode, group: string): void => {
    const { compounds } = node;
    if (compounds?.every(({ name }) => name !== null) === true && !choices.has(group)) {
      choices.set(group, compounds);
    }
    for (const child of node.children ?? []) visit(child, node.name ?? '');
  };
  for (const { segments } of Object.values(definition.messages)) {
    for (const node of segments.segments) visit(node, '');
  }
  return choices;
}

function correctNode(node: SourceNode, group: string, choices: Choices): SourceNode[] {
  // A placeholder for the segments of a site's own master file.
  if (node.name === 'GenericSegment') return [];
  if (node.compounds?.some(({ name }) => name === null) === true) {
    const compounds = choices.get(group);
    return compounds === undefined ? [] : [{ ...node, compounds }];
  }
  if (node.children === undefined) return [node];
  const children = node.children.flatMap((child) => correctNode(child, node.name ?? '', choices));
  return [{ ...node, children }];
}

/** The format of `decisions.json`; `decisions.md` says how it was made and what its parts mean. */
interface Decisions {
  readonly fields: Readonly<Record<string, FieldChange>>;
  readonly segments: Readonly<Record<string, string | readonly string[]>>;
  readonly moreFields: Readonly<Record<string, readonly string[]>>;
  readonly as: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  readonly readings: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  readonly open: Readonly<Record<string, readonly string[]>>;
}

interface FieldChange {
  readonly opt?: 1;
  readonly rep?: 0;
  readonly datatype?: string;
  readonly why: string;
}

const read = (): Decisions =>
  JSON.parse(readFileSync(new URL('decisions.json', import.meta.url), 'utf8')) as Decisions;

/** Applies the decisions for a version to what was made from the source. `of` gives another version. */
function decided(file: DictionaryFile, of: (version: string) => DictionaryFile): DictionaryFile {
  const decisions = read();
  const { version } = file;
  const structures = [...file.structures];
  const messages = { ...file.messages };
  const add = (event: string, structure: number, description: string): void => {
    const [first, told, ...more] = messages[event] ?? [undefined, description];
    const before = first === undefined ? [] : [first, ...more];
    messages[event] = [structure, told, ...before.filter((one) => one !== structure)];
  };
  for (const [name, events] of Object.entries(decisions.as[version] ?? {})) {
    const [structure, description] = messages[name] ?? [];
    if (structure === undefined) throw new Error(`${version} has no ${name}`);
    for (const event of events) add(event, structure, description ?? '');
  }
  for (const [text, events] of Object.entries(decisions.readings)) {
    if (events[version] === undefined) continue;
    const known = structures.indexOf(text);
    const structure = known < 0 ? structures.push(text) - 1 : known;
    for (const event of events[version]) add(event, structure, '');
  }
  return {
    ...file,
    segments: segmentsOf(file, decisions, of),
    messages,
    structures,
    open: decisions.open[version] ?? [],
  };
}

function segmentsOf(
  { version, segments }: DictionaryFile,
  decisions: Decisions,
  of: (version: string) => DictionaryFile,
): DictionaryFile['segments'] {
  const made: Record<string, readonly string[]> = { ...segments };
  for (const [name, fields] of here(decisions.segments, version)) {
    const taken = typeof fields === 'string' ? of(fields).segments[name] : fields;
    if (taken === undefined) throw new Error(`there is no ${name} for ${version}`);
    made[name] = taken;
  }
  for (const [name, fields] of here(decisions.moreFields, version)) {
    made[name] = [...(made[name] ?? []), ...fields];
  }
  for (const [place, change] of here(decisions.fields, version)) {
    const [name = '', number = ''] = place.split('-');
    made[name] = (made[name] ?? []).map((text, at) =>
      at === Number(number) ? changed(text, change) : text,
    );
  }
  return made;
}

/** The entries of a version, without it: `2.8 AUT` → `AUT`. */
function here<Value>(
  all: Readonly<Record<string, Value>>,
  version: string,
): (readonly [string, Value])[] {
  return Object.entries(all).flatMap(([key, value]) => {
    const [of, name = ''] = key.split(' ');
    return of === version ? [[name, value] as const] : [];
  });
}

function changed(text: string, { opt, rep, datatype }: FieldChange): string {
  const [type = '', usage = '', ...rest] = text.split('|');
  const kept = opt === undefined ? usage : usage.replace(/^R/, '');
  const repeats = rep === undefined ? kept : `${/^[RBW]?/.exec(kept)?.[0] ?? ''}*`;
  return [datatype ?? type, repeats, ...rest].join('|');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, content] of dictionaryFiles()) {
    writeFileSync(new URL(name, import.meta.url), content);
  }
}
