import type { Document } from '../document/document.ts';
import { Hl7Segment } from '../document/hl7/hl7-segment.ts';
import { Part } from '../expression/part.ts';
import { NewSegment } from './new-segment.ts';

/** The segment of a name that a loop is at, the innermost one; undefined if none is at one, or the new one is not made yet. */
export function segmentNamed(document: Document, name: string): Hl7Segment | undefined {
  if (document instanceof Part) return segmentNamed(document.inner, name);
  if (document instanceof NewSegment) {
    return document.name === name ? document.made : segmentNamed(document.around, name);
  }
  if (!(document instanceof Hl7Segment)) return undefined;
  return document.name === name ? document : segmentNamed(document.around, name);
}

/** Whether a loop is at a segment of a name, be it made or not. */
export function isAtSegment(document: Document, name: string): boolean {
  if (document instanceof Part) return isAtSegment(document.inner, name);
  if (!(document instanceof Hl7Segment || document instanceof NewSegment)) return false;
  return document.name === name || isAtSegment(document.around, name);
}

/** The segment that a loop is at; undefined outside of one, or if the new one is not made yet. */
export function segmentAt(document: Document): Hl7Segment | undefined {
  if (document instanceof Hl7Segment) return document;
  if (document instanceof NewSegment) return document.made;
  return document instanceof Part ? segmentAt(document.inner) : undefined;
}
