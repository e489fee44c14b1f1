import type { Line } from '../../segment/line.ts';
import { partOf } from '../../segment/part.ts';
import type { Marks } from '../../segment/place.ts';
import type { GuideSegment } from './guide.ts';

/** Whether a segment is the one in a guide, by its name and by the codes that distinguish it. */
export function fits(line: Line, segment: GuideSegment, marks: Marks): boolean {
  if (line.code !== segment.code) return false;
  return segment.qualifiers.every(({ element, component, codes }) => {
    const value = line.peek(element, marks.field);
    const part = component === 0 ? value : partOf(value, marks.component, component, marks.release);
    return codes.has(part);
  });
}
