import { isEngineError } from '../error/engine-error.ts';
import { astmPath } from './astm/astm-path.ts';
import type { Document } from './document.ts';
import { ediPath } from './edi/edi-path.ts';
import { hl7Path } from './hl7/path.ts';
import type { SegmentDocument } from './segment/segment-document.ts';
import type { SegmentPath } from './segment/segment-path.ts';

/** Whether a kind of body is made of segments. */
export function hasSegments(kind: Document['kind']): kind is SegmentDocument['kind'] {
  return Object.hasOwn(COMPILERS, kind);
}

const COMPILERS: Readonly<Record<SegmentDocument['kind'], (path: string) => SegmentPath>> = {
  hl7: hl7Path,
  x12: ediPath,
  edifact: ediPath,
  astm: astmPath,
};

/** What a path means in a kind of body; undefined if that is not made of segments. Throws PATH_INVALID. */
export function segmentPathIn(kind: Document['kind'], path: string): SegmentPath | undefined {
  return hasSegments(kind) ? COMPILERS[kind](path) : undefined;
}

/** A path as one into segments, of whichever kind the body will be; undefined if it is none. */
export function anySegmentPath(path: string): SegmentPath | undefined {
  return compiled(hl7Path, path) ?? compiled(ediPath, path) ?? compiled(astmPath, path);
}

function compiled(compile: (path: string) => SegmentPath, path: string): SegmentPath | undefined {
  try {
    return compile(path);
  } catch (error) {
    if (isEngineError(error)) return undefined;
    throw error;
  }
}
