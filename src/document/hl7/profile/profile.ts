import type { CodeList } from '../../text/code-list.ts';
import type { Pattern } from '../../text/pattern.ts';
import type { Hl7Path } from '../path.ts';

/** What a site demands of HL7 v2 messages in addition to HL7, and what it permits although HL7 does not. */
export interface Hl7Profile {
  readonly name: string;
  /** The messages it is about: `ADT_A01`, or `ADT` for each of its events; all if empty. */
  readonly messages: readonly string[];
  readonly segments: ReadonlyMap<string, SegmentRule>;
  readonly fields: readonly FieldRule[];
}

export interface SegmentRule {
  /** True: at least one must be there; false: it may be missing even if HL7 requires it; undefined: as in HL7. */
  readonly required: boolean | undefined;
  readonly most: number | undefined;
  /** The segments one of which it must follow directly, others of its own name apart; anywhere if empty. */
  readonly after: readonly string[];
  /** Its place is not compared with HL7's structure of the message. */
  readonly anywhere: boolean;
}

export interface FieldRule {
  /** A field or a part of one, without numbers in brackets: it is about every segment of that name. */
  readonly path: Hl7Path;
  readonly name: string | undefined;
  /** As for a segment; a part must be in each repetition of its field that is not empty. */
  readonly required: boolean | undefined;
  /** How many repetitions the field may have; a place that has 0 must be empty. */
  readonly most: number | undefined;
  /** The data type of the field instead of HL7's. */
  readonly type: string | undefined;
  /** The most characters, in each repetition. */
  readonly length: number | undefined;
  readonly codes: CodeList | undefined;
  readonly pattern: Pattern | undefined;
}
