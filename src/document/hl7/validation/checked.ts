import type { Hl7Dictionary } from '../dictionary/dictionary.ts';
import type { Hl7Document } from '../hl7-document.ts';
import type { Hl7Profile } from '../profile/profile.ts';

export interface ValidationOptions {
  /** The version to check by instead of MSH-12. */
  readonly version?: string;
  /** Also compares values with HL7's maximum lengths, which real messages often exceed: warnings. */
  readonly lengths?: boolean;
  /** What a site demands beside HL7, whatever the level; where they differ it goes before HL7. */
  readonly profile?: Hl7Profile | undefined;
}

/** What every check is given. */
export interface Checked {
  readonly document: Hl7Document;
  readonly dictionary: Hl7Dictionary;
  readonly options: ValidationOptions;
  /** The message has a later version than the dictionary: what the dictionary does not know may be valid. */
  readonly isNewer: boolean;
}
