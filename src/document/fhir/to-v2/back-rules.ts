import { mapNamed } from '../v2/maps.ts';
import { type MapRow, readMaps } from '../v2/read-map.ts';
import { BACK_ROWS } from './map/back-rows.ts';

const known = new Map<string, readonly MapRow[]>();

/** The rows of a table in the order in which they are read backwards: what asks for most comes first. */
export function backRules(name: string): readonly MapRow[] {
  const before = known.get(name);
  if (before !== undefined) return before;
  const text = Object.hasOwn(BACK_ROWS, name) ? (BACK_ROWS[name] ?? '') : '';
  const lines = text.split('\n').filter((line) => line !== '');
  const left = new Set(lines.filter((line) => line.startsWith('- ')).map((line) => line.slice(2)));
  const more = lines.filter((line) => !line.startsWith('- '));
  const [own] = readMaps(`= ${name}\n${more.join('\n')}`);
  const rows = mapNamed(name).rows.filter((row) => !left.has(placeOf(row)));
  const all = [...rows, ...(own?.rows ?? [])];
  const made = all.toSorted((one, other) => wanted(other) - wanted(one));
  known.set(name, made);
  return made;
}

/** `5 component`: a row by its source and the first element of its target. */
function placeOf({ source, target }: MapRow): string {
  const from = source === undefined ? '*' : source.numbers.join('.');
  return `${from} ${target?.steps[0]?.name ?? (target === undefined ? '-' : '.')}`;
}

const WHOLE: ReadonlySet<string> = new Set(['ORCrole', 'OBXorganization']);

/** How much a row asks of an element before it is for it. */
function wanted({ extras, conditions, form }: MapRow): number {
  const fixed = extras.filter(
    ({ target, form: { kind } }) =>
      !target.ifMissing && (kind === 'fixed' || kind === 'concept' || kind === 'extension'),
  );
  const isTable = form?.name === 'CWE' && /^\d+$/.test(form.table ?? '');
  const asked = fixed.length + conditions.filter(({ kind }) => kind === 'is').length;
  // what has fields of its own for all that is known of somebody
  const isWhole = form?.kind === 'made' && WHOLE.has(form.table ?? '');
  return asked + (isTable ? 0.5 : 0) + (isWhole ? 1 : 0);
}
