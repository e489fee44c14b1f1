import type { Document } from '../document/document.ts';
import { Segment } from '../document/segment/segment.ts';
import { Part } from '../expression/part.ts';
import { NewSegment } from './new-segment.ts';

/**
 * The segment with a name that the innermost such loop is at; undefined if no loop is at one, or if
 * the new segment does not exist yet.
 */
export function segmentNamed(document: Document, name: string): Segment | undefined {
  if (document instanceof Part) return segmentNamed(document.inner, name);
  if (document instanceof NewSegment) {
    return document.name === name ? document.made : segmentNamed(document.around, name);
  }
  if (!(document instanceof Segment)) return undefined;
  return document.name === name ? document : segmentNamed(document.around, name);
}

/** Whether a loop is at a segment with a name, even if the segment does not exist yet. */
export function isAtSegment(document: Document, name: string): boolean {
  if (document instanceof Part) return isAtSegment(document.inner, name);
  if (!(document instanceof Segment || document instanceof NewSegment)) return false;
  return document.name === name || isAtSegment(document.around, name);
}

/** The segment that a loop is at; undefined outside a loop, or if the new segment does not exist yet. */
export function segmentAt(document: Document): Segment | undefined {
  if (document instanceof Segment) return document;
  if (document instanceof NewSegment) return document.made;
  return document instanceof Part ? segmentAt(document.inner) : undefined;
}
