import type { Line } from '../../segment/line.ts';
import type { EdiFinding } from './finding.ts';

/** A transaction set of X12 or a message of EDIFACT that was checked. */
export interface CheckedSet {
  readonly header: Line;
  /** ST-1, or UNH-2.1 */
  readonly id: string;
  /** ST-3 or GS-8; UNH-2.2 and 2.3 */
  readonly version: string;
  /** ST-2, UNH-1 */
  readonly number: string;
  /** About the set as a whole. */
  readonly findings: readonly EdiFinding[];
  /** About its segments and their elements. */
  readonly segments: readonly EdiFinding[];
}

export interface CheckedGroup {
  readonly header: Line;
  /** GS-6, UNG-5 */
  readonly number: string;
  readonly findings: readonly EdiFinding[];
  readonly sets: readonly CheckedSet[];
}

export interface CheckedInterchange {
  readonly header: Line;
  /** ISA-13, UNB-5 */
  readonly number: string;
  readonly findings: readonly EdiFinding[];
  readonly groups: readonly CheckedGroup[];
  /** EDIFACT messages that are in no group. */
  readonly sets: readonly CheckedSet[];
}

/** All findings of interchanges, in document order. */
export function allFindings(interchanges: readonly CheckedInterchange[]): EdiFinding[] {
  return interchanges.flatMap(({ findings, groups, sets }) => [
    ...findings,
    ...groups.flatMap((group) => [...group.findings, ...group.sets.flatMap(ofSet)]),
    ...sets.flatMap(ofSet),
  ]);
}

function ofSet({ findings, segments }: CheckedSet): EdiFinding[] {
  return [...findings, ...segments];
}
