import type { XmlNode } from '../../mirth/e4x/node.ts';
import { NoCounterpart } from './objectscript.ts';
import { fieldCount, occurrences, type PathLoop, standsOnce } from './paths.ts';
import type { TranslationReport } from './rules.ts';
import type { Side } from './sides.ts';
import { attribute, elements, isDisabled } from './source-xml.ts';

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

/** The first step, if it assigns `source` to `target`, which is no object that is given: it is then a copy of the message. */
export function wholeCopyIn(root: XmlNode, source: Side, target: Side): XmlNode | undefined {
  const first = elements(root).find(
    (one) => !isDisabled(one) && one.name !== 'annotation' && one.name !== 'comment',
  );
  const isSame =
    source.kind === target.kind &&
    source.type === target.type &&
    source.className === target.className;
  const isGiven = attribute(root, 'create') === 'existing';
  if (isGiven || !isSame || first?.name !== 'assign') return undefined;
  const [property, value, action, key] = ['property', 'value', 'action', 'key'].map((name) =>
    attribute(first, name).trim(),
  );
  const isWhole = property === 'target' && value === 'source' && /^(?:set|)$/.test(action ?? '');
  return isWhole && /^(?:""|)$/.test(key ?? '') ? first : undefined;
}

/** A part of a field of a segment that a message has once, in all repetitions: `PID-5[*].2`. */
const REPEATED = /^([A-Z][A-Z\d]{2})-(\d+)\[\*\](.*)$/;

/** Whether a structure has one such segment at most. */
function isOnce(segment: string, type: string): boolean {
  const [repeats, ...more] = occurrences(segment, type);
  return repeats === false && more.length === 0;
}

/**
 * `{PID:5().1}` assigned to `{PID:5().2}`: each repetition to the one with the same number. In a copy that is the current one
 * of the loop; elsewhere turns are counted, and a repetition without anything has none.
 */
export function eachRepetition(
  [from, to]: readonly [string, string],
  { types, create }: { readonly types: readonly [string, string]; readonly create: string },
  { look }: TranslationReport,
): Block | undefined {
  const [, source = '', number, part = ''] = REPEATED.exec(from) ?? [];
  const [, target = '', into, within = ''] = REPEATED.exec(to) ?? [];
  if (part === '' && within === '') return undefined;
  if (!isOnce(source, types[0]) || !isOnce(target, types[1])) return undefined;
  const [each, other] = [`${source}-${number}`, `${target}-${into}`];
  if (create === 'copy' && each === other)
    return { each, steps: [{ copy: `${each}${part}`, to: `${other}${within}` }] };
  const text = `goes over the repetitions of ${each}: where one between others is empty, those behind it move up`;
  look('assign', 'steps', text);
  return { each, steps: [{ copy: `${each}${part}`, to: `${target}[1]-${into}[#]${within}` }] };
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
  if (type !== undefined && /^\w{3}\[\*\]$/.test(target)) standsOnce(target.slice(0, 3), type);
  const isCurrent = loops.some(({ over }) => over === target);
  const repeats = isSegment && occurrences(target, type)[0] !== false;
  return repeats && !isCurrent ? `${target}[1]` : target.replace(/^(\w{3})\[\*\]$/, '$1');
}

/** A loop, in the first of several groups if it is only over what is there. */
export function firstGroupOf({ within }: PathLoop, loop: Block): Block {
  if (within === undefined) return loop;
  // oxlint-disable-next-line unicorn/no-thenable -- a step of a transform, whose `then` is a list
  return { each: within, steps: [{ if: 'index() == 1', then: [loop] }] };
}
