import { partsOf } from '../../document/index.ts';
import type { Hl7Tree, Hl7TreeField } from '../contract/body.ts';

export type SegmentTree = Omit<Hl7Tree, 'messageId' | 'masked'>;

/** How the segments of a body are split for display. */
export interface Apart {
  readonly field: string;
  readonly component: string;
  readonly repetition: string;
  readonly release: string;
  /** The number of the field after the segment's name. */
  readonly first: 1 | 2;
  /** Whether a field holds the delimiters themselves. */
  isWhole(name: string, n: number): boolean;
  /** The readable value of a part of a field. */
  plain(raw: string): string;
}

/** The non-empty fields of one segment; `index` counts the segments of the same name, from 1. */
export function segmentFields(
  apart: Apart,
  { name, text, index }: { readonly name: string; readonly text: string; readonly index: number },
): Hl7TreeField[] {
  const prefix = index === 1 ? name : `${name}[${index}]`;
  return partsOf(text, apart.field, apart.release)
    .slice(1)
    .flatMap((raw, at): Hl7TreeField[] => {
      const n = at + apart.first;
      const path = `${prefix}-${n}`;
      if (raw === '') return [];
      const whole = apart.isWhole(name, n);
      const repetitions = whole ? [[{ n: 1, path, value: raw }]] : valuesOf(apart, raw, path);
      return [{ n, path, raw, repetitions }];
    });
}

function valuesOf(apart: Apart, raw: string, path: string): Hl7TreeField['repetitions'] {
  const { component, repetition, release } = apart;
  return partsOf(raw, repetition, release).map((one, index) => {
    const at = index === 0 ? path : `${path}[${index + 1}]`;
    const values = partsOf(one, component, release);
    return values.flatMap((value, position) =>
      value === '' && values.length > 1
        ? []
        : [
            {
              n: position + 1,
              path: values.length === 1 ? at : `${at}.${position + 1}`,
              value: apart.plain(value),
            },
          ],
    );
  });
}
