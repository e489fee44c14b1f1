import type { SegmentPath } from '../../segment/segment-path.ts';
import type { CodeList } from '../../text/code-list.ts';
import type { Pattern } from '../../text/pattern.ts';
import type { GuideLoop } from '../guide/guide.ts';

/** What a site demands of an EDIFACT message: its segments and groups in their order, and its elements. */
export interface EdifactProfile {
  readonly name: string;
  /** UNH-2.1 */
  readonly message: string;
  /** UNH-2.2 and 2.3, such as `D.96A`; undefined for each. */
  readonly version: string | undefined;
  /** Undefined if only elements are described. */
  readonly structure: GuideLoop | undefined;
  readonly elements: readonly ElementDemand[];
}

export interface ElementDemand {
  /** An element or a component, without numbers in brackets: it is about every segment of that name. */
  readonly path: SegmentPath;
  readonly name: string | undefined;
  /** Whether it must be there; a component wherever its element is. */
  readonly required: boolean;
  /** How often the element may be repeated; 0: it must be empty. */
  readonly most: number | undefined;
  readonly format: EdifactFormat | undefined;
  readonly codes: CodeList | undefined;
  readonly pattern: Pattern | undefined;
}

/** `an..35`, `n8`, `a3`, as the directories write it. */
export interface EdifactFormat {
  readonly text: string;
  readonly kind: 'a' | 'n' | 'an';
  readonly least: number;
  readonly most: number;
}

/** Undefined if it is none. */
export function edifactFormat(text: string): EdifactFormat | undefined {
  const [, kind, upTo, digits] = /^(an|a|n)(\.\.)?(\d{1,4})$/.exec(text) ?? [];
  if (kind === undefined || Number(digits) === 0) return undefined;
  const most = Number(digits);
  return { text, kind: kind as EdifactFormat['kind'], least: upTo === undefined ? most : 1, most };
}

/** Finds a profile by its name: what is wrong with the name if there is none, undefined if it could not be read, or not yet. */
export type FindEdifactProfile = (name: string) => EdifactProfile | string | undefined;

/** The first profile that is about a message; its type and version are those of UNH. */
export const profileFor = (
  profiles: readonly EdifactProfile[],
  message: string,
  version: string,
): EdifactProfile | undefined =>
  profiles.find(
    (one) => one.message === message && (one.version === undefined || one.version === version),
  );
