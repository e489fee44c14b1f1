import { type Problems, suggestion } from '../problem.ts';
import {
  type Keys,
  pathText,
  type Written,
  type WrittenBlock,
  type WrittenEntry,
} from './written.ts';

/**
 * Lays an overlay over a production: blocks are merged key by key, everything else is replaced, and
 * a key with `~` (nothing) is taken away. Every value keeps the place it was written at.
 */
export function overlaid(below: WrittenBlock, above: WrittenBlock): WrittenBlock {
  const entries = new Map(below.entries);
  for (const [key, entry] of above.entries) {
    const { value } = entry;
    const under = entries.get(key)?.value;
    if (value.kind === 'scalar' && value.value === null) entries.delete(key);
    else if (under?.kind === 'block' && value.kind === 'block') {
      entries.set(key, { ...(entries.get(key) ?? entry), value: overlaid(under, value) });
    } else entries.set(key, entry);
  }
  return { ...below, entries };
}

const HOSTS = ['services', 'processes', 'operations'];
/** Without one of these, a new host of an overlay cannot be meant as one. */
const ESSENTIAL = ['adapter', 'rules', 'code'];

/** A name in an overlay that nothing below has would otherwise be a change that is silently not made. */
export function checkOverlay(below: WrittenBlock, above: WrittenBlock, problems: Problems): void {
  for (const section of HOSTS) {
    const hosts = above.entries.get(section)?.value;
    const under = below.entries.get(section)?.value;
    if (hosts?.kind !== 'block') continue;
    const known = under?.kind === 'block' ? [...under.entries.keys()] : [];
    for (const { key, place, value } of hosts.entries.values()) {
      const isNew = value.kind === 'block' && ESSENTIAL.some((one) => value.entries.has(one));
      if (isNew || known.includes(key)) continue;
      const what = 'the production has no host of this name for the overlay to change';
      problems.error(place, pathText([section, key]), what, suggestion(key, known));
    }
  }
}

/** How deep included files may meet: `services` → `adt-in`, but not inside one host. */
const SHARED_DEPTH = 1;

/** Adds an included file to a production. What both define is a problem: an overlay is for replacing. */
export function included(
  into: WrittenBlock,
  other: WrittenBlock,
  problems: Problems,
): WrittenBlock {
  return join(into, other, { problems, keys: [], depth: 0 });
}

interface Joining {
  readonly problems: Problems;
  readonly keys: Keys;
  readonly depth: number;
}

function join(into: WrittenBlock, other: WrittenBlock, joining: Joining): WrittenBlock {
  const entries = new Map<string, WrittenEntry>(into.entries);
  for (const [key, entry] of other.entries) {
    const earlier = entries.get(key);
    entries.set(key, earlier === undefined ? entry : joinEntry(earlier, entry, joining));
  }
  return { ...into, entries };
}

function joinEntry(earlier: WrittenEntry, entry: WrittenEntry, joining: Joining): WrittenEntry {
  const { problems, depth } = joining;
  const keys = [...joining.keys, entry.key];
  const blocks: [Written, Written] = [earlier.value, entry.value];
  if (depth < SHARED_DEPTH && blocks[0].kind === 'block' && blocks[1].kind === 'block') {
    const value = join(blocks[0], blocks[1], { problems, keys, depth: depth + 1 });
    return { ...earlier, value };
  }
  const { file, line } = earlier.place;
  problems.error(
    entry.place,
    pathText(keys),
    `it is defined already, in ${file} line ${line}`,
    'Keep one of the two; an overlay is for replacing values.',
  );
  return earlier;
}
