import type { Line } from '../segment/line.ts';
import type { EdiSyntax } from './edi-syntax.ts';
import { knownGuide, loopsOf } from './guide/guides.ts';
import type { GuideOf } from './loop-tree.ts';

/** Finds the guides for the transaction sets of an interchange. */
export function guideOf({ field, kind }: EdiSyntax): GuideOf {
  if (kind !== 'x12') return () => undefined;
  return (line: Line, group: Line | undefined) => {
    const version = line.slot(3, field) || (group?.slot(8, field) ?? '');
    const guide = knownGuide(line.slot(1, field), version.trim());
    return guide === undefined ? undefined : loopsOf(guide);
  };
}
