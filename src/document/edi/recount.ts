import type { Line } from '../segment/line.ts';
import { nameCode } from '../segment/segment-path.ts';

/** What a trailer counts: X12 SE-1 GE-1 IEA-1, EDIFACT UNT-1 UNE-1 UNZ-1. */
export interface Counted {
  readonly trailer: Line;
  readonly count: number;
}

interface Totals {
  /** Since the transaction set or message began. */
  segments: number;
  /** Transaction sets or messages since the group began, or the interchange if there is no group. */
  sets: number;
  groups: number;
}

const BEGIN: ReadonlyMap<number, (totals: Totals) => void> = new Map(
  (['ISA', 'UNB'] as const)
    .map((name) => [nameCode(name), beginInterchange] as const)
    .concat((['GS', 'UNG'] as const).map((name) => [nameCode(name), beginGroup] as const))
    .concat((['ST', 'UNH'] as const).map((name) => [nameCode(name), beginSet] as const)),
);

const COUNT: ReadonlyMap<number, (totals: Totals) => number> = new Map([
  [nameCode('SE'), ({ segments }) => segments],
  [nameCode('UNT'), ({ segments }) => segments],
  [nameCode('GE'), ({ sets }) => sets],
  [nameCode('UNE'), ({ sets }) => sets],
  [nameCode('IEA'), ({ groups }) => groups],
  // without groups, messages are counted
  [nameCode('UNZ'), ({ groups, sets }) => groups || sets],
]);

/** What each trailer of a body should count. */
export function counts(lines: readonly Line[]): Counted[] {
  const found: Counted[] = [];
  const totals: Totals = { segments: 0, sets: 0, groups: 0 };
  for (const line of lines) {
    if (line.code === 0) continue;
    totals.segments += 1;
    BEGIN.get(line.code)?.(totals);
    const count = COUNT.get(line.code)?.(totals);
    if (count !== undefined) found.push({ trailer: line, count });
  }
  return found;
}

function beginInterchange(totals: Totals): void {
  totals.sets = 0;
  totals.groups = 0;
}

function beginGroup(totals: Totals): void {
  totals.groups += 1;
  totals.sets = 0;
}

function beginSet(totals: Totals): void {
  totals.sets += 1;
  totals.segments = 1;
}
