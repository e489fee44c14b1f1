/** How much of an interchange is checked: its envelope, its segments and elements too, or also what its guide requires. */
export type EdiCheckLevel = (typeof LEVELS)[number];

const LEVELS = ['envelope', 'syntax', 'guide'] as const;

export function isEdiCheckLevel(text: unknown): text is EdiCheckLevel {
  return (LEVELS as readonly unknown[]).includes(text);
}

/** What a check of an interchange found. Fits into an acknowledgement: codes are those of the standard. */
export interface EdiFinding {
  /** X12: TA105, AK905, AK502 or IK502, AK304 or IK304, AK403 or IK403, by `level`. EDIFACT: 0085. */
  readonly code: string;
  readonly level: 'interchange' | 'group' | 'set' | 'segment' | 'element';
  /** A sentence that names places and no values but numbers of guides and versions, and counts. */
  readonly text: string;
  /** `CLM[2]-5.1`, as in the whole body. */
  readonly path: string;
  /** Name of the segment; `''` where none is meant. */
  readonly segment: string;
  /** The segment's number in its transaction set or message, whose header is 1; 0 outside of one. */
  readonly position: number;
  /** Id of the loop that the segment stands in, or is missing in; `''` if none is known. */
  readonly loop: string;
  /** 0 where the segment as a whole is meant. */
  readonly element: number;
  readonly component: number;
  /** From 1; 0 where the element as a whole is meant. */
  readonly repetition: number;
}

/** Where a finding is. */
export interface EdiPlace {
  readonly path: string;
  readonly segment: string;
  readonly position: number;
  readonly loop: string;
}

/** A finding about a segment or what is around it. */
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

/** More findings of one transaction set or message are not told. */
export const MOST_FINDINGS = 500;
