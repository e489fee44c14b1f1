import type { CheckedGroup, CheckedInterchange, CheckedSet } from '../check/checked.ts';

/** A: accepted. E: accepted, errors noted. P: partly accepted. R: rejected. */
export type EdiVerdict = 'A' | 'E' | 'P' | 'R';

/** Whether errors in segments reject a transaction set, or are only reported. */
export type OnErrors = 'reject' | 'note';

/** Errors in ISA with which the interchange can still be read: dates, flags and widths. */
const NOTED: ReadonlySet<string> = new Set(['014', '015', '019', '020', '022']);

/** TA104, and UCI-4 before its messages are looked at. */
export function interchangeVerdict({ findings }: CheckedInterchange): 'A' | 'E' | 'R' {
  if (findings.length === 0) return 'A';
  return findings.every(({ code }) => NOTED.has(code)) ? 'E' : 'R';
}

/** AK501, IK501 */
export function setVerdict({ findings, segments }: CheckedSet, errors: OnErrors): 'A' | 'E' | 'R' {
  // 5 only says that there are errors in segments
  if (findings.some(({ code, level }) => level === 'set' && code !== '5')) return 'R';
  if (segments.length === 0) return 'A';
  return errors === 'note' ? 'E' : 'R';
}

/** AK901 */
export function groupVerdict({ findings, sets }: CheckedGroup, errors: OnErrors): EdiVerdict {
  if (findings.length > 0) return 'R';
  return together(sets.map((set) => setVerdict(set, errors)));
}

/** The verdict for the whole, given those for its parts. */
export function together(parts: readonly EdiVerdict[]): EdiVerdict {
  if (parts.every((one) => one === 'A')) return 'A';
  if (parts.every((one) => one === 'R')) return 'R';
  return parts.some((one) => one === 'R' || one === 'P') ? 'P' : 'E';
}
