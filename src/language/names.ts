import type { TextMeaning } from '../definition/form/meaning.ts';
import type { Written, WrittenEntry } from '../definition/written/written.ts';
import { RECORD_TRANSFORMS } from '../transform/records/record-transforms.ts';
import { entriesUnder, textAt } from './production.ts';

/** What a production gives names to. Hosts of all kinds share their names. */
export type NameKind = 'host' | 'transform' | 'record' | 'profile' | 'lookup' | 'credential';

/** The section of a production whose keys are names, and what kind they are. */
export const SECTIONS: Readonly<Record<string, NameKind>> = {
  services: 'host',
  processes: 'host',
  operations: 'host',
  transforms: 'transform',
  records: 'record',
  profiles: 'profile',
  lookups: 'lookup',
  credentials: 'credential',
};

const KINDS: Readonly<Partial<Record<TextMeaning, NameKind>>> = {
  service: 'host',
  process: 'host',
  target: 'host',
  transform: 'transform',
  profile: 'profile',
  lookup: 'lookup',
  credential: 'credential',
};

export const kindOf = (meaning: TextMeaning): NameKind | undefined => KINDS[meaning];

/** One name that a production defines. */
export interface DefinedName {
  readonly kind: NameKind;
  readonly name: string;
  readonly section: string;
  readonly entry: WrittenEntry;
}

/** Every name, by the sections in which they are. */
export function definedNames(written: Written | undefined): DefinedName[] {
  return Object.entries(SECTIONS).flatMap(([section, kind]) =>
    entriesUnder(written, section).map((entry) => ({ kind, name: entry.key, section, entry })),
  );
}

const FITTING: Readonly<Partial<Record<TextMeaning, readonly string[]>>> = {
  service: ['services'],
  process: ['processes'],
  target: ['processes', 'operations'],
  transform: ['transforms'],
  profile: ['profiles'],
  lookup: ['lookups'],
  credential: ['credentials'],
};

/** A name that fits a place, with a line and a text about it. */
export interface NameChoice {
  readonly name: string;
  readonly detail: string;
  readonly documentation: string | undefined;
}

/** The names that a text of this meaning may be. */
export function nameChoices(written: Written | undefined, meaning: TextMeaning): NameChoice[] {
  const sections = FITTING[meaning] ?? [];
  const own = definedNames(written).filter(({ section }) => sections.includes(section));
  const records = meaning === 'transform' ? entriesUnder(written, 'records') : [];
  return [
    ...own.map((one) => ({ name: one.name, ...describeName(one) })),
    ...records.flatMap(({ key }) =>
      RECORD_TRANSFORMS.map((what) => ({
        name: `${key}.${what}`,
        detail: 'of a record map',
        documentation: undefined,
      })),
    ),
  ];
}

const SINGULAR: Readonly<Record<string, string>> = {
  services: 'service',
  processes: 'process',
  operations: 'operation',
  transforms: 'transform',
  records: 'record map',
  profiles: 'profile',
  lookups: 'lookup',
  credentials: 'credential',
};

/** What a name is, in a line and as Markdown. */
export function describeName({ section, entry }: Pick<DefinedName, 'section' | 'entry'>): {
  readonly detail: string;
  readonly documentation: string | undefined;
} {
  const { value } = entry;
  const by = textAt(value, ['adapter']) ?? textAt(value, ['code']) ?? textAt(value, ['kind']);
  const file = textAt(value, []);
  const texts = [textAt(value, ['title']), textAt(value, ['comment'])].filter(
    (one) => one !== undefined,
  );
  const word = SINGULAR[section] ?? section;
  const what = by ?? file;
  return {
    detail: what === undefined ? word : `${word}, ${what}`,
    documentation: texts.length === 0 ? undefined : texts.join('\n\n'),
  };
}

/** The record map whose transform a name such as `patients.read` is. */
export function recordOf(name: string): string | undefined {
  const [, record, what = ''] = /^(.+)\.(\w+)$/.exec(name) ?? [];
  return (RECORD_TRANSFORMS as readonly string[]).includes(what) ? record : undefined;
}
