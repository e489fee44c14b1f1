import type { Keys, Written, WrittenScalar } from '../definition/written/written.ts';
import { ProductionFile } from './production.ts';
import { contains, offsetIn, type Position, type Span, spanInScalar, spanOfKey } from './span.ts';

/** What is at a position of a file. */
export interface Spot {
  /** The keys that lead there; for a key, with itself. */
  readonly keys: Keys;
  readonly on: 'key' | 'value';
  /** The whole key or value. */
  readonly text: string;
  /** The position in `text`. */
  readonly offset: number;
  readonly span: Span;
  readonly scalar: WrittenScalar | undefined;
}

/** The key or value at a position. */
export function spotAt({ written, lines }: ProductionFile, at: Position): Spot | undefined {
  return written === undefined ? undefined : spotIn(written, [], { lines, at });
}

interface Looking {
  readonly lines: readonly string[];
  readonly at: Position;
}

function spotIn(written: Written, keys: Keys, looking: Looking): Spot | undefined {
  if (written.place.line > looking.at.line) return undefined;
  if (written.kind === 'scalar') return scalarSpot(written, keys, looking);
  if (written.kind === 'list') {
    return firstOf(written.items, (item, index) => spotIn(item, [...keys, index], looking));
  }
  return firstOf([...written.entries.values()], (entry) => {
    const inside = [...keys, entry.key];
    const span = spanOfKey(entry, looking.lines);
    if (!contains(span, looking.at)) return spotIn(entry.value, inside, looking);
    const offset = looking.at.column - span.start.column;
    return { keys: inside, on: 'key', text: entry.key, offset, span, scalar: undefined };
  });
}

function firstOf<Item, Found>(
  items: readonly Item[],
  find: (item: Item, index: number) => Found | undefined,
): Found | undefined {
  for (const [index, item] of items.entries()) {
    const found = find(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

function scalarSpot(scalar: WrittenScalar, keys: Keys, { at }: Looking): Spot | undefined {
  if (scalar.value === null && scalar.source === '') return undefined;
  const span = spanInScalar(scalar);
  if (!contains(span, at)) return undefined;
  const offset = offsetIn(scalar, at);
  return { keys, on: 'value', text: scalar.source, offset, span, scalar };
}

/** A file in which what is being written is complete, so that it can be read. */
export interface Completed {
  readonly written: Written;
  /** Of what is being written; its text ends at the position. */
  readonly spot: Spot;
}

/** Stands at the position while the file is read: no file has this character (a private one of Unicode). */
const MARK = '\uE000';

const CLOSING: Readonly<Record<string, string>> = { '{': ' }', '[': ' ]', '(': ')' };

/** What closes the quotes and brackets that are open at the end of a line. */
function closerOf(line: string): string {
  const open: string[] = [];
  let quote = '';
  for (const char of line) {
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (Object.hasOwn(CLOSING, char)) open.push(CLOSING[char] ?? '');
    else if (char === open.at(-1)?.trim()) open.pop();
  }
  return quote + open.toReversed().join('');
}

/**
 * What is being written at a position: a key, a value, or either. A file that is broken elsewhere is read up to the
 * line of the position.
 */
export function completedAt(file: ProductionFile, at: Position): Completed[] {
  const { lines, path } = file;
  const line = lines[at.line - 1] ?? '';
  const [before, after] = [line.slice(0, at.column - 1), line.slice(at.column - 1)];
  const mayBeKey = /^\s*(?:- +)*[\w.-]*$/.test(before) && after.trim() === '';
  const variants = mayBeKey ? [`${before}${MARK}:`, before + MARK] : [before + MARK + after];
  return variants.flatMap((variant) => {
    const whole = [...lines.slice(0, at.line - 1), variant, ...lines.slice(at.line)];
    const cut = whole.slice(0, at.line).join('\n');
    const texts = new Set([whole.join('\n'), cut, cut + closerOf(before)]);
    for (const text of texts) {
      const read = new ProductionFile(path, text, undefined);
      const { written } = read;
      const spot = spotAt(read, at);
      const found = spot === undefined ? undefined : upTo(spot);
      if (written !== undefined && found !== undefined) return [{ written, spot: found }];
    }
    return [];
  });
}

/** Cuts the text behind the mark; undefined if it is not there. */
function upTo(spot: Spot): Spot | undefined {
  const end = spot.text.indexOf(MARK);
  if (end < 0) return undefined;
  const text = spot.text.slice(0, end);
  const keys = spot.on === 'key' ? [...spot.keys.slice(0, -1), text] : spot.keys;
  return { ...spot, keys, text, offset: end };
}
