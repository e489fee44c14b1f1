import type { Document } from '../document/document.ts';
import { SegmentDocument } from '../document/segment/segment-document.ts';
import { segmentPathIn } from '../document/segment-paths.ts';
import { NewSegment } from './new-segment.ts';
import { segmentAt, segmentNamed } from './segment-at.ts';

/** A whole field of a message, to be copied with its separators and escapes. */
export interface RawPlace {
  readonly message: SegmentDocument;
  readonly path: string;
}

/** Where a whole field is in the message, also as seen from a loop over segments; undefined for any other place. */
export function rawPlace(document: Document, path: string): RawPlace | undefined {
  const compiled = segmentPathIn(document.kind, path);
  if (compiled === undefined || compiled.loops.length > 0) return undefined;
  const { field, component, repetition, segment, index } = compiled;
  if (field === 0 || component > 0 || repetition !== 0) return undefined;
  if (document instanceof SegmentDocument) return { message: document, path };
  const inner = segmentAt(document);
  if (inner === undefined || document.kind !== inner.kind) return undefined;
  const at = segmentNamed(document, segment);
  if (at === undefined || index > 0) return { message: inner.message, path };
  const number = at.message.segments(segment).findIndex(({ line }) => line === at.line) + 1;
  return { message: at.message, path: `${segment}[${number}]${path.slice(segment.length)}` };
}

/** Creates the segment that a loop writes to, if it does not exist yet. */
export function madeSegment(document: Document, path: string): void {
  if (document instanceof NewSegment && document.made === undefined) document.set(path, '');
}
