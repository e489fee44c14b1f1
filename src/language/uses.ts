import type { JsonSchema } from '../definition/form/form.ts';
import type { TextMeaning } from '../definition/form/meaning.ts';
import type { Keys, Written, WrittenEntry, WrittenScalar } from '../definition/written/written.ts';
import { namedBy, quotedTexts } from './expression-text.ts';
import { kindOf, type NameKind, recordOf, SECTIONS } from './names.ts';
import type { ProductionFile } from './production.ts';
import { type Allowed, allowedAt, allowedBelow, keyMeaningsOf, meaningsOf } from './schema-at.ts';
import { type Span, spanInScalar, spanOfKey } from './span.ts';

/** One place in a file where a name is. */
export interface NameUse {
  readonly kind: NameKind;
  readonly name: string;
  /** Whether it is defined or changed there, and not only named. */
  readonly defines: boolean;
  readonly path: string;
  readonly span: Span;
}

/** Every name in a file, at the places where the grammar says that there is one. */
export function usesIn(file: ProductionFile): NameUse[] {
  const { written, grammar } = file;
  if (written === undefined || grammar === undefined) return [];
  const uses: NameUse[] = [];
  const isProduction = grammar['title'] === 'A Waybill production';
  walk({ file, grammar, isProduction, uses }, written, {
    keys: [],
    allowed: allowedAt(grammar, [], written),
  });
  return uses;
}

interface Walking {
  readonly file: ProductionFile;
  readonly grammar: JsonSchema;
  readonly isProduction: boolean;
  readonly uses: NameUse[];
}

interface Here {
  readonly keys: Keys;
  readonly allowed: Allowed;
}

function walk(walking: Walking, written: Written, here: Here): void {
  if (written.kind === 'scalar') return scalarUses(walking, written, here);
  const { keys, allowed } = here;
  const down = (key: string | number, below: Written): void =>
    walk(walking, below, {
      keys: [...keys, key],
      allowed: allowedBelow(walking.grammar, allowed, { key, written: below }),
    });
  if (written.kind === 'list') return written.items.forEach((item, index) => down(index, item));
  const names = kindsOf(keyMeaningsOf(allowed));
  for (const entry of written.entries.values()) {
    keyUses(walking, entry, { keys, names });
    down(entry.key, entry.value);
  }
}

const kindsOf = (meanings: Iterable<TextMeaning>): NameKind[] =>
  [...meanings].flatMap((meaning) => kindOf(meaning) ?? []);

function keyUses(
  { file, isProduction, uses }: Walking,
  entry: WrittenEntry,
  { keys, names }: { readonly keys: Keys; readonly names: readonly NameKind[] },
): void {
  const section = isProduction && keys.length === 1 ? SECTIONS[String(keys[0])] : undefined;
  const { path, lines } = file;
  const span = spanOfKey(entry, lines);
  if (section !== undefined)
    uses.push({ kind: section, name: entry.key, defines: true, path, span });
  for (const kind of names) uses.push({ kind, name: entry.key, defines: false, path, span });
}

function scalarUses(
  { file: { path }, uses }: Walking,
  scalar: WrittenScalar,
  { allowed }: Here,
): void {
  if (scalar.value === null) return;
  for (const meaning of meaningsOf(allowed)) {
    const isExpression = meaning === 'expression' || meaning === 'template';
    if (isExpression) uses.push(...namesIn(scalar, path));
    const kind = kindOf(meaning);
    if (kind !== undefined) uses.push(nameIn(scalar, kind, path));
  }
}

/** The tables and profiles that an expression asks. */
const namesIn = (scalar: WrittenScalar, path: string): NameUse[] =>
  quotedTexts(scalar.source).flatMap(({ text, from, call }) => {
    const kind = namedBy(call);
    const span = spanInScalar(scalar, from, from + text.length);
    return kind === undefined ? [] : [{ kind, name: text, defines: false, path, span }];
  });

/** The name of a record map is a part of those of its transforms. */
function nameIn(scalar: WrittenScalar, kind: NameKind, path: string): NameUse {
  const record = kind === 'transform' ? recordOf(scalar.source) : undefined;
  const name = record ?? scalar.source;
  return {
    kind: record === undefined ? kind : 'record',
    name,
    defines: false,
    path,
    span: spanInScalar(scalar, 0, name.length),
  };
}
