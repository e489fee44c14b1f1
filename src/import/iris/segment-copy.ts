import { NoCounterpart } from './objectscript.ts';
import { fieldCount, occurrences, type PathLoop } from './paths.ts';

type Block = Record<string, unknown>;

/** All but the delimiters. */
const HEADER = Array.from({ length: 23 }, (_, at) => at + 3);

/**
 * Copies a segment field by field: MSH, which a new message already has, the current one of a loop, or the first of several,
 * which need not be there.
 */
export function fieldCopies(target: string, isCurrent: boolean): Block[] {
  const numbers =
    target === 'MSH'
      ? HEADER
      : Array.from({ length: fieldCount(target.slice(0, 3)) }, (_, at) => at + 1);
  if (numbers.length === 0) throw new NoCounterpart(`copies ${target}, whose fields are not known`);
  const made = numbers.map((number) => ({
    copy: `${target}-${number}`,
    to: `${target}-${number}`,
  }));
  if (target === 'MSH' || isCurrent) return made;
  // oxlint-disable-next-line unicorn/no-thenable -- a step of a transform, whose `then` is a list
  return [{ if: `has("${target}")`, then: made }];
}

/** Whether a step only takes a value of a segment. */
export function readsOnly({ copy, set, to }: Block, segment: string): boolean {
  if (typeof copy === 'string') return copy.startsWith(`${segment}-`);
  return typeof set === 'string' && new RegExp(`^field\\("${segment}-[^"]*"\\)$`).test(String(to));
}

/** Of segments that may stand there several times, a name without `()` means the first. */
export function removedPlace(
  target: string,
  type: string | undefined,
  loops: readonly PathLoop[],
): string {
  const isSegment = type !== undefined && /^\w{3}$/.test(target);
  const isCurrent = loops.some(({ over }) => over === target);
  const repeats = isSegment && occurrences(target, type)[0] !== false;
  return repeats && !isCurrent ? `${target}[1]` : target.replace(/^(\w{3})\[\*\]$/, '$1');
}
