/** How much of an interchange is checked: its envelope, its segments and elements too, or also what its guide requires. */
export type EdiCheckLevel = (typeof LEVELS)[number];

const LEVELS = ['envelope', 'syntax', 'guide'] as const;

export function isEdiCheckLevel(text: unknown): text is EdiCheckLevel {
  return (LEVELS as readonly unknown[]).includes(text);
}

/** What a check of an interchange found. Suitable for an acknowledgement: codes are those of the standard. */
export interface EdiFinding {
  /** X12: TA105, AK905, AK502 or IK502, AK304 or IK304, AK403 or IK403, by `level`. EDIFACT: 0085. */
  readonly code: string;
  readonly level: 'interchange' | 'group' | 'set' | 'segment' | 'element';
  /** A sentence with places, but no values other than guide numbers, versions and counts. */
  readonly text: string;
  /** `CLM[2]-5.1`, as in the whole body. */
  readonly path: string;
  /** Name of the segment; `''` if it is not about one. */
  readonly segment: string;
  /** The segment's number in its transaction set or message, whose header is 1; 0 outside of one. */
  readonly position: number;
  /** Id of the loop that contains the segment, or lacks it; `''` if unknown. */
  readonly loop: string;
  /** 0 for the whole segment. */
  readonly element: number;
  readonly component: number;
  /** From 1; 0 for the whole element. */
  readonly repetition: number;
}

/** Where a finding was made. */
export interface EdiPlace {
  readonly path: string;
  readonly segment: string;
  readonly position: number;
  readonly loop: string;
}

/** A finding about a segment or something that contains it. */
export function found(
  level: EdiFinding['level'],
  code: string,
  place: EdiPlace,
  text: string,
): EdiFinding {
  return { level, code, ...place, text, element: 0, component: 0, repetition: 0 };
}

/** A finding about an element of X12 or EDIFACT, or a part of it. */
export function foundIn(
  code: string,
  place: EdiPlace,
  { element, component = 0, repetition = 0 }: ElementPlace,
  what: string,
): EdiFinding {
  const at = `${place.path}-${element}${repetition > 1 ? `[${repetition}]` : ''}${component > 0 ? `.${component}` : ''}`;
  const text = `${at} ${what}.`;
  return { level: 'element', code, ...place, path: at, text, element, component, repetition };
}

export interface ElementPlace {
  readonly element: number;
  readonly component?: number;
  readonly repetition?: number;
}

/** Further findings of a transaction set or message are not reported. */
export const MOST_FINDINGS = 500;
