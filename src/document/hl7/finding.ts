/** What a check of a message found, and where. Can be used in `Answer.problems`, to tell the sender. */
export interface Hl7Finding {
  /** `error`: the message breaks a checked rule; `warning`: something is unusual, or unknown to HL7's tables. */
  readonly severity: 'error' | 'warning';
  /** HL7 table 0357. */
  readonly code: string;
  /**
   * A sentence that names segment and field, but no values other than the codes of message type,
   * version and charset.
   */
  readonly text: string;
  readonly segment: string;
  /** Which segment of that name, from 1. */
  readonly segmentIndex: number;
  /** Undefined if the whole segment is meant. */
  readonly field: number | undefined;
}

/** Segment, its number (1 if left out) and field. */
export type Hl7Place = readonly [
  segment: string,
  segmentIndex?: number | undefined,
  field?: number | undefined,
];

export function finding(
  severity: Hl7Finding['severity'],
  code: string,
  text: string,
  [segment, segmentIndex = 1, field]: Hl7Place,
): Hl7Finding {
  return { severity, code, text, segment, segmentIndex, field };
}
