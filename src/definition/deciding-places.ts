import { readFile } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { isSystemError, tolerate } from '../error/foreseen.ts';
import type { Explanation } from '../message/record.ts';
import type { Definition } from './definition.ts';
import { textOf } from './form/setting-form.ts';
import type { DecidingPlace } from './rehearsal.ts';
import { placeAt, valueAt, type Written } from './written/written.ts';

/** What a process did with a message. */
interface Decided {
  readonly process: string;
  readonly explain: Explanation | undefined;
}

type Found = Omit<DecidingPlace, 'to'>;

/** Finds the places in the files that had a part in what a message became; each file is read once. */
export function decidingPlaces(
  definition: Pick<Definition, 'source' | 'folder'>,
): (decided: Decided) => Promise<readonly DecidingPlace[]> {
  const { written } = definition.source;
  const texts = new Map<string, Promise<string>>();
  const textIn = (file: string): Promise<string> => {
    const known = texts.get(file) ?? read(join(definition.folder, file));
    texts.set(file, known);
    return known;
  };
  const below = (file: string): string =>
    isAbsolute(file) ? relative(definition.folder, file) : file;
  const ofRule = (process: string, name: string): readonly Found[] => {
    const place = ruleIn(valueAt(written, ['processes', process, 'rules']), name)?.place;
    return place === undefined
      ? []
      : [{ what: 'rule', name, file: below(place.file), line: place.line }];
  };
  const ofTransform = async (name: string): Promise<readonly Found[]> => {
    const file = fileOf(written, 'transforms', name);
    if (file === undefined) return [];
    const text = await textIn(file);
    const looks = [...text.matchAll(LOOKUP)];
    const before = text.slice(0, looks[0]?.index ?? 0);
    const tables = [...new Set(looks.map(([, table = '']) => table))];
    return [
      { what: 'transform', name, file: below(file), line: before.split('\n').length },
      ...tables.flatMap((table): Found[] => {
        const at = fileOf(written, 'lookups', table);
        if (at !== undefined) return [{ what: 'lookup', name: table, file: below(at), line: 1 }];
        // one that is loaded from elsewhere: there, it says from where
        const block = valueAt(written, ['lookups', table]);
        if (block === undefined) return [];
        const { file: named, line: on } = placeAt(written, ['lookups', table]);
        return [{ what: 'lookup', name: table, file: below(named), line: on }];
      }),
    ];
  };
  return async ({ process, explain }) => {
    const failed = (explain?.rules ?? []).filter(({ result }) => result === 'error');
    const ways = [
      ...failed.map(({ rule }) => ({ to: undefined, rule, transform: undefined })),
      ...(explain?.sent ?? []),
    ];
    const found = new Map<string, Found & { readonly to: Set<string> }>();
    for (const { to, rule, transform } of ways) {
      const transforms = await Promise.all((transform?.split(', ') ?? []).map(ofTransform));
      for (const one of [...ofRule(process, rule), ...transforms.flat()]) {
        const key = `${one.what} ${one.name}`;
        const known = found.get(key) ?? { ...one, to: new Set<string>() };
        found.set(key, known);
        if (to !== undefined) known.to.add(to);
      }
    }
    return [...found.values()].map((one) => ({ ...one, to: [...one.to] }));
  };
}

/** How expressions name a table, also within quoted YAML and in code. */
const LOOKUP = /\blookup\(\s*\\?["']([\w.-]{1,100})\\?["']/g;

/** A rule by its name, also within sets. */
function ruleIn(rules: Written | undefined, name: string): Written | undefined {
  if (rules === undefined || rules.kind === 'scalar') return undefined;
  if (rules.kind === 'block') {
    const own = valueAt(rules, ['name']);
    if (own?.kind === 'scalar' && own.value === name) return rules;
  }
  const inner =
    rules.kind === 'list' ? rules.items : [...rules.entries.values()].map(({ value }) => value);
  for (const one of inner) {
    const found = ruleIn(one, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fileOf(
  written: Written,
  kind: 'transforms' | 'lookups',
  name: string,
): string | undefined {
  const value = valueAt(written, [kind, name]);
  return value?.kind === 'scalar' ? textOf(value) : undefined;
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    // taken away since the production was read: then it names no tables
    return tolerate(error, isSystemError, 'reading a transform') ?? '';
  }
}
