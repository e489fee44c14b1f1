import type { EdiDocument } from '../edi-document.ts';
import type { Loop } from '../loop.ts';
import type { EdifactProfile } from '../profile/edifact-profile.ts';
import { EdifactCheck } from './check-edifact.ts';
import { X12Check } from './check-x12.ts';
import { allFindings, type CheckedInterchange } from './checked.ts';
import { type EdiCheckLevel, type EdiFinding, found } from './finding.ts';
import { Places } from './places.ts';

/**
 * Checks the interchanges of a body: `envelope` checks control numbers, counts and structure; `syntax` also the
 * elements of each X12 segment; `guide` also which segments and loops the guide requires, and in which order, if it
 * is known. Code lists are not checked, nor what is inside of EDIFACT messages, unless a profile is about them.
 */
export function checkEdi(
  document: EdiDocument,
  level: EdiCheckLevel,
  profiles: readonly EdifactProfile[] = [],
): CheckedInterchange[] {
  const { root } = document.found;
  const places = new Places(document.found);
  const check =
    document.kind === 'x12'
      ? new X12Check(document, level, places)
      : new EdifactCheck(document, places, profiles);
  const loops = root.loops.filter(isInterchange);
  const checked = loops.map((loop) => check.interchange(loop));
  const last = checked.at(-1);
  const stray = strayLine(root, loops);
  if (last === undefined || stray === undefined) return checked;
  const code = document.kind === 'x12' ? '024' : '33';
  const place = places.of(stray);
  const text = `${place.path || 'Something'} is outside an interchange.`;
  const finding = found('interchange', code, place, text);
  return [...checked.slice(0, -1), { ...last, findings: [...last.findings, finding] }];
}

/** The errors in the interchanges of a body. */
export function ediFindings(
  document: EdiDocument,
  level: EdiCheckLevel,
  profiles?: readonly EdifactProfile[],
): EdiFinding[] {
  return allFindings(checkEdi(document, level, profiles));
}

const isInterchange = ({ id }: Loop): boolean => id === 'ISA' || id === 'UNB';

/** The first line outside of the interchanges. */
function strayLine({ until }: Loop, loops: readonly Loop[]): number | undefined {
  let index = 0;
  for (const loop of loops) {
    if (loop.from > index) return index;
    index = loop.until;
  }
  return index < until ? index : undefined;
}
