import type { Draft } from './draft.ts';
import type { ProductionItem } from './items.ts';
import type { IrisClass } from './read-export.ts';
import type { RecordDraft } from './record-draft.ts';
import { unread } from './source-xml.ts';

/** XData of a class that nothing uses → what to do with it. */
const KINDS = [
  ['RecordMap', 'a record map that no item here uses is not imported'],
  ['ComplexBatch', 'a map of records that no item here uses is not imported'],
  ['DTL', 'a transform that no rule here names is not imported: import it with the rules that do'],
  ['RuleDefinition', 'rules that no item here names are not imported'],
  ['BPL', 'a BPL process that is no item here is not imported: write it as a process'],
  ['ProductionDefinition', 'a production without items'],
] as const;

const SUPERS: readonly (readonly [RegExp, string])[] = [
  [/^EnsLib\.RecordMap\./, 'made by a record map: its records are JSON here'],
  [
    /^Ens\.(?:Request|Response|Messagebody|AlertRequest)$|^%(?:Persistent|SerialObject|XML\.Adaptor|JSON\.Adaptor)$/i,
    'a class of messages or data: JSON here, with its properties as names',
  ],
  [
    /^Ens\.(?:Rule\.FunctionSet|Util\.FunctionSet)$/,
    'functions for rules and transforms: what calls them is marked',
  ],
  [/SearchTable$/, 'a search table: write settings.search'],
  [/^Ens\.BP\.Context$/, 'what a BPL process remembers: its module has it'],
  [/^%UnitTest\./, 'a test of the old engine: write production.test.yaml'],
];

/** Why nothing was made of a class. */
function describeLeftOver({ data, extends: supers }: IrisClass): string {
  const kind = KINDS.find(([name]) => data.has(name));
  if (kind !== undefined) return kind[1];
  const known = SUPERS.find(([pattern]) => supers.some((one) => pattern.test(one)));
  return known?.[1] ?? 'a class that no item, rule or transform here names: left out';
}

/** What the export has and nothing was made of, so that nothing is missed without a word. */
export function tellLeftOut(
  draft: Draft,
  records: RecordDraft,
  productions: readonly IrisClass[],
): void {
  for (const one of draft.export.classes.values()) {
    const isUsed = productions.includes(one) || draft.used.has(one.name);
    if (!isUsed) {
      const text =
        records.isRecord(one.name) && !one.data.has('RecordMap')
          ? 'records of a record map: JSON here'
          : describeLeftOver(one);
      draft.line('look', one.name, one.file, { category: 'left out', text });
      continue;
    }
    if (!draft.quoted.has(one.name)) unreadParts(draft, one);
  }
}

/** What no part of the import has looked at, of a class of which something was made. */
function unreadParts(draft: Draft, { name, file, data, methods }: IrisClass): void {
  const said = (text: string): void =>
    draft.line('look', name, file, { category: 'left out', text });
  for (const [part, xml] of data) {
    const found = unread(xml.root);
    if (found.length > 0) said(`these parts of ${part} are left out: ${counted(found)}`);
  }
  const own = methods.filter(
    (one) =>
      !/^(?:GetObject|PutObject|GetRecord|PutRecord|GetGeneratedClasses|get\w+|GetBatch|PutBatch)$/.test(
        one.name,
      ),
  );
  if (own.length > 0) said(`its methods are left out: ${own.map((one) => one.name).join(', ')}`);
}

/** Which system default settings items use. */
export function tellDefaults(draft: Draft, items: readonly ProductionItem[]): void {
  for (const one of draft.export.defaults) {
    const isUsed = items.some(({ settings }) => settings.get(one.setting) === one.value);
    const text = `the default setting ${one.setting} of ${one.item} (${one.className}) is ${isUsed ? 'written to the items that it is for' : 'for no item of this export: left out'}`;
    draft.line(isUsed ? 'made' : 'look', one.production, 'default settings', {
      category: 'default settings',
      text,
    });
  }
}

/** `send/@delay (3)`. */
function counted(names: readonly string[]): string {
  const counts = Map.groupBy(names, (one) => one);
  return [...counts]
    .map(([name, all]) => (all.length === 1 ? name : `${name} (${all.length})`))
    .join(', ');
}
