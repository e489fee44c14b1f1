import type { Document } from '../document/document.ts';
import { Hl7Segment } from '../document/hl7/hl7-segment.ts';
import { Part } from '../expression/part.ts';
import { NewSegment } from './new-segment.ts';

/** The segment that a loop is at; undefined outside of one, or if the new one is not made yet. */
export function segmentAt(document: Document): Hl7Segment | undefined {
  if (document instanceof Hl7Segment) return document;
  if (document instanceof NewSegment) return document.made;
  return document instanceof Part ? segmentAt(document.inner) : undefined;
}
