import { readFileSync } from 'node:fs';
import type { DictionaryFile } from './dictionary-file.ts';

/** What `decisions.json` holds; how it was made and what its parts mean stands in `decisions.md`. */
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

/** Applies what was decided for a version to what was made of the source. `of` gives another version. */
export function decided(
  file: DictionaryFile,
  of: (version: string) => DictionaryFile,
): DictionaryFile {
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
