import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { valueAt, type Written, type WrittenEntry } from '../definition/written/written.ts';
import { isSystemError, tolerate } from '../error/foreseen.ts';
import { spotAt } from './cursor.ts';
import { definedNames, SECTIONS } from './names.ts';
import { entriesUnder, type ProductionFile, type ProductionView, textAt } from './production.ts';
import { allowedAt, meaningsOf } from './schema-at.ts';
import { contains, endOf, type Position, type Span, spanOfKey } from './span.ts';
import { type NameUse, usesIn } from './uses.ts';

/** A place in a file of a production. */
export interface FileSpan {
  readonly path: string;
  readonly span: Span;
}

const START: Span = { start: { line: 1, column: 1 }, end: { line: 1, column: 1 } };

/** The name at a position. */
export function nameAt(file: ProductionFile, at: Position): NameUse | undefined {
  return usesIn(file).find(({ span }) => contains(span, at));
}

/** Where what is at a position is defined: the key of a name, or the file that it stands for. */
export function definitionsAt(
  view: ProductionView,
  file: ProductionFile,
  at: Position,
): FileSpan[] {
  const use = nameAt(file, at);
  if (use === undefined) return fileAt(file, at);
  const found = definedNames(view.written).filter(
    ({ kind, name }) => kind === use.kind && name === use.name,
  );
  return found.flatMap(({ entry }) => {
    const target = textAt(entry.value, []);
    const lines = view.files.get(entry.place.file)?.lines ?? [];
    const key = { path: entry.place.file, span: spanOfKey(entry, lines) };
    // the file that a transform, record map or lookup is in says what it is
    return target === undefined ? [key] : [{ path: target.replace(/^\.\//, ''), span: START }];
  });
}

/** The file that a path at this position names: code, a transform, a table. */
function fileAt(file: ProductionFile, at: Position): FileSpan[] {
  const { grammar, written } = file;
  const spot = spotAt(file, at);
  if (grammar === undefined || spot === undefined || spot.on === 'key') return [];
  const isFile = meaningsOf(allowedAt(grammar, spot.keys, written)).has('path');
  const isAdapter = spot.keys.at(-1) === 'adapter' && /^\.{0,2}\//.test(spot.text);
  return isFile || isAdapter ? [{ path: spot.text.replace(/^\.\//, ''), span: START }] : [];
}

/** Every place where a name is, in all files of the production. */
export function usesOf(
  view: ProductionView,
  { kind, name }: Pick<NameUse, 'kind' | 'name'>,
): NameUse[] {
  return [...view.files.values()].flatMap((file) =>
    usesIn(file).filter((one) => one.kind === kind && one.name === name),
  );
}

/** Where code has a name in quotes: it may be meant, or another text that is equal. */
export async function quotedInCode(view: ProductionView, name: string): Promise<FileSpan[]> {
  const found = await Promise.all(
    view.modules.map(async (path) => {
      const text = await readFile(join(view.folder, path), 'utf8').catch((error: unknown) =>
        tolerate(error, isSystemError, 'reading a module of the production'),
      );
      return (text ?? '')
        .split(/\r?\n/)
        .flatMap((line, index) => quotedIn(line, name, { path, line: index + 1 }));
    }),
  );
  return found.flat();
}

function quotedIn(
  text: string,
  name: string,
  { path, line }: { readonly path: string; readonly line: number },
): FileSpan[] {
  const found: FileSpan[] = [];
  for (const quote of ["'", '"', '`']) {
    const quoted = quote + name + quote;
    for (let at = text.indexOf(quoted); at >= 0; at = text.indexOf(quoted, at + quoted.length)) {
      const start = { line, column: at + 2 };
      found.push({ path, span: { start, end: { line, column: start.column + name.length } } });
    }
  }
  return found;
}

/** What a file is made of, for an outline. */
export interface Outline {
  readonly name: string;
  readonly kind: 'section' | 'host' | 'entry' | 'rule' | 'step' | 'case';
  /** With all that is in it. */
  readonly span: Span;
  readonly nameSpan: Span;
  readonly parts: readonly Outline[];
}

/** The sections, hosts and rules of a production's file, the steps of a transform, or the cases of a test file. */
export function outlineOf({ written, lines }: ProductionFile): Outline[] {
  if (written?.kind !== 'block') return [];
  return [...written.entries.values()].map((entry): Outline => {
    const isSection = Object.hasOwn(SECTIONS, entry.key);
    const parts = isSection ? namedParts(written, entry.key, lines) : listedParts(entry);
    return { ...outlined(entry, lines), kind: isSection ? 'section' : 'entry', parts };
  });
}

const outlined = (entry: WrittenEntry, lines: readonly string[]) => {
  const nameSpan = spanOfKey(entry, lines);
  return { name: entry.key, nameSpan, span: { start: nameSpan.start, end: endOf(entry.value) } };
};

function namedParts(written: Written, section: string, lines: readonly string[]): Outline[] {
  return entriesUnder(written, section).map((entry) => ({
    ...outlined(entry, lines),
    kind: SECTIONS[section] === 'host' ? 'host' : 'entry',
    parts: listedParts({ key: 'rules', value: valueAt(entry.value, ['rules']) }),
  }));
}

const LISTED: Readonly<Record<string, Outline['kind']>> = {
  rules: 'rule',
  steps: 'step',
  cases: 'case',
};

function listedParts({
  key,
  value,
}: {
  readonly key: string;
  readonly value: Written | undefined;
}): Outline[] {
  const kind = LISTED[key];
  if (kind === undefined || value?.kind !== 'list') return [];
  return value.items.map((item, index) => {
    const { line, column } = item.place;
    const start = { line, column };
    const span = { start, end: endOf(item) };
    return {
      name: partName(item, `${kind} ${index + 1}`),
      kind,
      span,
      nameSpan: { start, end: start },
      parts: [],
    };
  });
}

/** The name of a rule or case, or what a step does: `set PID-3.1`. */
function partName(item: Written, otherwise: string): string {
  const name = textAt(item, ['name']);
  if (name !== undefined || item.kind !== 'block') return name ?? otherwise;
  const [first] = item.entries.values();
  if (first === undefined) return otherwise;
  const text = textAt(first.value, []);
  return text === undefined ? first.key : `${first.key} ${text}`;
}
