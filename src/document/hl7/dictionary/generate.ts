/**
 * Makes the JSON files of this folder from the development dependency `hl7-dictionary` (MIT):
 *
 *     node --conditions=waybill-source src/document/hl7/dictionary/generate.ts
 *
 * Nothing loads it at run time. A test compares its output with the committed files.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import dictionary, {
  type SourceDefinition,
  type SourceField,
  type SourceNode,
} from 'hl7-dictionary';

import { correctDefinition, correctTables } from './correction.ts';
import { decided } from './decisions.ts';
import type { DictionaryFile, TableFile } from './dictionary-file.ts';

/** File name → content, one a version, and the tables, which the source has for all versions together. */
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
  // The source ends with 2.7: what 2.8 changed was decided.
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

/** The source has a few group names with blanks, brackets or small letters. */
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

/** JSON with one entry a line, so that a change shows as one. */
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, content] of dictionaryFiles()) {
    writeFileSync(new URL(name, import.meta.url), content);
  }
}
