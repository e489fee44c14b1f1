import type { Expression } from '../../expression/expression.ts';
import type { Given } from '../../expression/given.ts';
import { pathProblem } from '../../expression/path-problem.ts';

/** How a transform makes many messages from one. */
export interface Split {
  /** What each message is made from: `OBR`, `/orders`, `/order/item`, `rows`, `lines`. */
  readonly each: string;
  /** How many parts go into one message; undefined if each part is a message of its own. */
  readonly size: number | undefined;
  /** Making more messages than this is an error. */
  readonly most: number;
  /** Evaluated for each part: those for which it is false are left out and not counted. */
  readonly when: Expression<boolean> | undefined;
  /** What happens to a message without any part; undefined discards an empty list and refuses a missing one. */
  readonly empty: 'discard' | 'suspend' | undefined;
}

const KEYS = ['each', 'size', 'most', 'when', 'empty', 'comment'];

/** How many messages may be made from one, unless the production says otherwise. */
export const MOST = 10_000;
/** The upper limit, whatever the production says: they are all held in memory until they are stored. */
const LIMIT = 100_000;

/** `split: OBR`, or a block with more settings. */
export function readSplit(given: Given): Split | undefined {
  if (given.isAbsent) return undefined;
  const isBlock = typeof given.value === 'object';
  if (isBlock && !given.block('split', KEYS)) return undefined;
  const at = isBlock ? given.at('each') : given;
  // YAML reads a loop of X12 such as 2300 as a number
  const each = typeof at.value === 'number' ? String(at.value) : at.text('split');
  const problem = each === undefined ? undefined : placeProblem(each);
  if (problem !== undefined) at.wrong(problem);
  const block = isBlock ? given : given.at('nothing');
  const size = whole(block.at('size'), 'size', 1, LIMIT);
  const most = whole(block.at('most'), 'most', 1, LIMIT) ?? MOST;
  const when = block.at('when').condition();
  const empty = readEmpty(block.at('empty'));
  if (each === undefined || problem !== undefined) return undefined;
  return { each, size, most, when, empty };
}

/** A loop of X12, or a part of the envelope of X12 or EDIFACT. */
export const EDI_LOOP = /^(?:\d{4}[A-Z]{0,2}|ISA|GS|ST|UNB|UNG|UNH)$/;

function placeProblem(each: string): string | undefined {
  if (each === 'rows' || each === 'lines') return undefined;
  if (each.startsWith('/')) return each === '/' ? undefined : pathProblem(each);
  if (EDI_LOOP.test(each)) return undefined;
  const isSegment = /^[A-Z][A-Z\d]{2}$/.test(each);
  if (each === 'MSH') return 'The messages of a batch are split by the service that takes them in.';
  if (isSegment) return pathProblem(each, 'hl7');
  return 'split goes over segments (OBR), loops of X12 (2300) and transaction sets (ST, UNH), a JSON array (/orders, or / for the whole), XML elements (/report/result), rows or lines.';
}

function whole(given: Given, key: string, least: number, most: number): number | undefined {
  if (given.isAbsent) return undefined;
  const { value } = given;
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) {
    return Number(value);
  }
  given.wrong(`${key} must be a whole number from ${least} to ${most}.`);
  return undefined;
}

function readEmpty(given: Given): Split['empty'] {
  const { value } = given;
  if (given.isAbsent) return undefined;
  if (value === 'discard' || value === 'suspend') return value;
  given.wrong('empty must be discard or suspend: what happens to a message without any part.');
  return undefined;
}
