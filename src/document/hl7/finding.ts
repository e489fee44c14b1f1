/** What a check of a message found, with its place. Fits into `Answer.problems`, so that a sender can be told. */
export interface Hl7Finding {
  /** `error`: the message breaks what was asked to be checked; `warning`: it is odd, or HL7's tables do not know it. */
  readonly severity: 'error' | 'warning';
  /** HL7 table 0357. */
  readonly code: string;
  /** A sentence that names segment and field and no value but the codes of message type, version and charset. */
  readonly text: string;
  readonly segment: string;
  /** Which segment of that name, from 1. */
  readonly segmentIndex: number;
  /** Undefined where the segment as a whole is meant. */
  readonly field: number | undefined;
}

/** Segment, its number (1 if left out) and field. */
export type Place = readonly [
  segment: string,
  segmentIndex?: number | undefined,
  field?: number | undefined,
];

export function finding(
  severity: Hl7Finding['severity'],
  code: string,
  text: string,
  [segment, segmentIndex = 1, field]: Place,
): Hl7Finding {
  return { severity, code, text, segment, segmentIndex, field };
}
