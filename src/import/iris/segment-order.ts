import { needNotBe, segmentsOf } from './paths.ts';
import type { TranslationReport } from './rules.ts';

type Block = Record<string, unknown>;

/**
 * The segments of a new message stood in the order of its structure, whatever the order of the steps that wrote them. Here
 * they stand in the order in which steps begin them, so the steps are put into that order. Undefined where that would change
 * what a place has in the end.
 */
export function inOrder(steps: readonly Block[], type: string): readonly Block[] | undefined {
  const known = segmentsOf(type);
  const rankOf = (name: string): number => (name === 'MSH' ? -1 : known.indexOf(name));
  const ranked = (of: readonly Block[]): boolean => {
    const ranks = of
      .flatMap(writtenBy)
      .map(rankOf)
      .filter((rank) => rank >= 0);
    const first = [...new Set(ranks)];
    return first.every((rank, at) => at === 0 || rank >= (first[at - 1] ?? 0));
  };
  if (ranked(steps)) return steps;
  let before = -1;
  const placed = steps.map((step, at) => {
    const ranks = writtenBy(step)
      .map(rankOf)
      .filter((rank) => rank >= 0);
    const rank = ranks.length === 0 ? before : Math.min(...ranks);
    before = rank;
    return { step, at, rank, segments: new Set(writtenBy(step)) };
  });
  const sorted = placed.toSorted((one, other) => one.rank - other.rank || one.at - other.at);
  const isSame = sorted.every((one, index) =>
    sorted.slice(index + 1).every((later) => later.at > one.at || apart(one, later)),
  );
  const made = sorted.map(({ step }) => step);
  return isSame && ranked(made) ? made : undefined;
}

const apart = (
  one: { readonly segments: ReadonlySet<string> },
  other: { readonly segments: ReadonlySet<string> },
): boolean => one.segments.isDisjointFrom(other.segments);

/** Tells of segments that a copy writes and that the message need not have: they stood at their place in the structure. */
export function lookAtAdded(
  steps: readonly Block[],
  type: string,
  { look }: TranslationReport,
): void {
  const known = segmentsOf(type);
  const all = [...new Set(steps.flatMap(writtenBy))];
  const added = all.filter((one) => known.at(-1) !== one && needNotBe(one, type));
  if (added.length === 0) return;
  const text = `writes ${added.join(', ')}, which ${added.length === 1 ? 'stands' : 'stand'} at the end of a message that had none: insert it at its place first`;
  look('order', 'steps', text);
}

/** Fields of the header that a new message has here in any case, so that a receiver accepts it. */
const HEADER = ['MSH-7', 'MSH-9.1', 'MSH-9.2', 'MSH-9.3', 'MSH-10', 'MSH-11', 'MSH-12'];

/** Tells of fields of a new message's header that no step writes: they were empty. */
export function lookAtHeader(steps: readonly Block[], { look }: TranslationReport): void {
  const places = steps.flatMap(placesOf);
  const filled = HEADER.filter(
    (field) =>
      !places.some(
        (one) => field === one || field.startsWith(`${one}.`) || one.startsWith(`${field}.`),
      ),
  );
  if (filled.length === 0) return;
  const text = `${filled.join(', ')} of the new message are filled although no step writes them, so that a receiver accepts it: they were empty`;
  look('MSH', 'steps', text);
}

const placesOf = (step: Block): string[] => [
  ...[step['set'], step['to']].filter((one) => typeof one === 'string'),
  ...['steps', 'then', 'else'].flatMap((name) => ((step[name] ?? []) as Block[]).flatMap(placesOf)),
];

/** The segments that a step writes or removes, as often as it does. */
export function writtenBy(step: Block): string[] {
  const { copy, to, set, remove } = step;
  const places = Array.isArray(copy) ? copy : [copy === undefined ? set : to, remove].flat();
  const own = places.flatMap((one) => /^([A-Z][A-Z\d]{2})(?![A-Z\d])/.exec(String(one))?.[1] ?? []);
  const inner = ['steps', 'then', 'else'].flatMap((name) =>
    ((step[name] ?? []) as Block[]).flatMap(writtenBy),
  );
  return [...own, ...inner];
}
