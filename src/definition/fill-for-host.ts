import type { Problems } from './problem.ts';
import { fill, type ValueSource } from './written/fill.ts';
import { shown, type Written, type WrittenBlock, type WrittenEntry } from './written/written.ts';

/** What a host's settings may name, besides its credentials. */
const KEPT = ['production', 'lookups'];
const HOSTS = ['services', 'operations'];

/**
 * Fills in a production, or only what the connection of one host needs: its settings, and the
 * credentials that they name, directly or through another. What is missing elsewhere is no problem then.
 */
export async function fillFor(
  host: string | undefined,
  written: Written,
  { source, problems }: { readonly source: ValueSource; readonly problems: Problems },
): Promise<Written> {
  if (host === undefined || written.kind !== 'block') return fill(written, source, problems);
  const own = pick(written, [...KEPT, ...HOSTS], (section, { key }) =>
    HOSTS.includes(section) ? key === host : true,
  );
  const filled = await fill(own, source, problems);
  const used = credentialsOf(filled, written);
  const credentials = pick(written, ['credentials'], (_, { key }) => used.has(key));
  const more = await fill(credentials, source, problems);
  if (filled.kind !== 'block' || more.kind !== 'block') return filled;
  return { ...written, entries: new Map([...filled.entries, ...more.entries]) };
}

/** Of each of these sections the entries that are kept. */
function pick(
  { entries, ...written }: WrittenBlock,
  sections: readonly string[],
  keep: (section: string, entry: WrittenEntry) => boolean,
): WrittenBlock {
  const kept = sections.flatMap((section) => {
    const entry = entries.get(section);
    if (entry === undefined) return [];
    const { value } = entry;
    if (value.kind !== 'block') return [[section, entry] as const];
    const some = [...value.entries].filter(([, one]) => keep(section, one));
    return [[section, { ...entry, value: { ...value, entries: new Map(some) } }] as const];
  });
  return { ...written, entries: new Map(kept) };
}

/** The names of credentials that stand anywhere in a host, and in those credentials in turn. */
function credentialsOf(host: Written, whole: WrittenBlock): ReadonlySet<string> {
  const block = whole.entries.get('credentials')?.value;
  const known = block?.kind === 'block' ? block.entries : new Map<string, WrittenEntry>();
  const used = new Set<string>();
  const use = (value: unknown): void => {
    if (typeof value === 'object' && value !== null) return Object.values(value).forEach(use);
    const entry = typeof value === 'string' && !used.has(value) ? known.get(value) : undefined;
    if (entry === undefined) return;
    used.add(entry.key);
    use(shown(entry.value));
  };
  use(shown(host));
  return used;
}
