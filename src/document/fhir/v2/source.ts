import { isHeaderName } from '../../hl7/delimiters.ts';
import { unescape } from '../../hl7/escape.ts';
import type { Hl7Document } from '../../hl7/hl7-document.ts';
import { partsOf } from '../../segment/part.ts';
import { Part, type PartMarks } from './part.ts';

/** One segment, with its fields in parts. */
export interface SourceSegment {
  readonly name: string;
  /** The repetitions of a field that have a value. */
  field(number: number): readonly Part[];
  /** All fields that have a value. */
  readonly valued: readonly { readonly number: number; readonly parts: readonly Part[] }[];
}

/** The segments of a message in order. */
export function sourceSegments(message: Hl7Document): readonly SourceSegment[] {
  const { delimiters } = message;
  const { charset } = message;
  const marks: PartMarks = {
    component: delimiters.component,
    subcomponent: delimiters.subcomponent,
    unescape: (text) => unescape(text, delimiters, { charset }),
  };
  return message.segments().map(({ name, text }) => {
    const [, ...slots] = text.split(delimiters.field);
    const isHeader = isHeaderName(name);
    if (isHeader) slots.unshift(delimiters.field);
    const valued = slots.flatMap((slot, at) => {
      const number = at + 1;
      if (isHeader && number <= 2) return [];
      const parts = partsOf(slot, delimiters.repetition)
        .map((repetition) => new Part(repetition, marks))
        .filter((part) => !part.isEmpty);
      return parts.length === 0 ? [] : [{ number, parts }];
    });
    const byNumber = new Map(valued.map(({ number, parts }) => [number, parts]));
    return { name, valued, field: (number) => byNumber.get(number) ?? [] };
  });
}
