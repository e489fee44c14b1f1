import type { Document } from '../document/document.ts';
import { Hl7Segment } from '../document/hl7/hl7-segment.ts';
import { Part } from '../expression/part.ts';
import { NewSegment } from './new-segment.ts';

/**
 * The segment with a name that the innermost such loop is at; undefined if no loop is at one, or if
 * the new segment does not exist yet.
 */
export function segmentNamed(document: Document, name: string): Hl7Segment | undefined {
  if (document instanceof Part) return segmentNamed(document.inner, name);
  if (document instanceof NewSegment) {
    return document.name === name ? document.made : segmentNamed(document.around, name);
  }
  if (!(document instanceof Hl7Segment)) return undefined;
  return document.name === name ? document : segmentNamed(document.around, name);
}

/** Whether a loop is at a segment with a name, even if the segment does not exist yet. */
export function isAtSegment(document: Document, name: string): boolean {
  if (document instanceof Part) return isAtSegment(document.inner, name);
  if (!(document instanceof Hl7Segment || document instanceof NewSegment)) return false;
  return document.name === name || isAtSegment(document.around, name);
}

/** The segment that a loop is at; undefined outside a loop, or if the new segment does not exist yet. */
export function segmentAt(document: Document): Hl7Segment | undefined {
  if (document instanceof Hl7Segment) return document;
  if (document instanceof NewSegment) return document.made;
  return document instanceof Part ? segmentAt(document.inner) : undefined;
}
