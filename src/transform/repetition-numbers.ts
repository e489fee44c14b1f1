import type { Document } from '../document/document.ts';
import { segmentPathIn } from '../document/segment-paths.ts';
import { EngineError } from '../error/engine-error.ts';
import { isAtSegment } from './segment-at.ts';

/** The largest number that a path may have. */
const MOST = 9999;

/** The numbers, from 1, of a field's repetitions that are not empty, in the current segment. */
export function repetitionNumbers(document: Document, field: string): number[] {
  const one = inOneSegment(document, field);
  const wanted = document.all(one).length;
  if (wanted > MOST) {
    throw new EngineError(
      'TRANSFORM_FAILED',
      `${field} has ${wanted} repetitions, and a loop goes over at most ${MOST}`,
    );
  }
  const numbers: number[] = [];
  for (let number = 1; numbers.length < wanted; number++) {
    if (document.has(`${one}[${number}]`)) numbers.push(number);
  }
  return numbers;
}

/** `all` goes over every segment with the name, unless a loop is at one or the path says which. */
function inOneSegment(document: Document, field: string): string {
  const { segment = '', index = 0 } = segmentPathIn(document.kind, field) ?? {};
  if (index > 0 || isAtSegment(document, segment)) return field;
  return `${segment}[1]${field.slice(segment.length)}`;
}
