import type { Document } from '../document/document.ts';
import { Segment } from '../document/segment/segment.ts';
import { SegmentDocument } from '../document/segment/segment-document.ts';
import { ExpressionFault } from './fault.ts';
import { Part } from './part.ts';

/** All segments with a name in the message, even if `document` is one segment of it. */
export function segmentsOf(document: Document, name: string): Segment[] {
  if (document instanceof SegmentDocument) return document.segments(name);
  if (document instanceof Segment) return document.message.segments(name);
  if (document instanceof Part) return segmentsOf(document.inner, name);
  throw new ExpressionFault(`segments() was used on a message whose body is ${document.kind}`);
}

/**
 * The segments with a name that belong to another: those after it, up to the next with its own
 * name. This finds the OBX of an OBR, and the NTE of an OBX, without knowing the message's grammar.
 */
export function followingSegments(segment: Segment, name: string): Segment[] {
  const found: Segment[] = [];
  for (const one of segment.message.segmentsAfter(segment)) {
    if (one.name === segment.name) break;
    if (one.name === name) found.push(one);
  }
  return found;
}

/** The current segment in a loop over segments. */
export function segmentAtHand(document: Document): Segment {
  if (document instanceof Segment) return document;
  if (document instanceof Part) return segmentAtHand(document.inner);
  throw new ExpressionFault('following() was used outside a loop over segments');
}
