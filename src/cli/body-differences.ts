import { contentDiff } from '../api/body/body-diff.ts';
import type { JudgedBodies } from '../definition/case/report.ts';

/** One place in which two bodies differ. */
export interface BodyDifference {
  /** `PID-5.1 (Family Name)`, `line 3` */
  readonly at: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** The most places of one body that are shown. */
const SHOWN = 100;

export interface BodyDifferences {
  readonly places: readonly BodyDifference[];
  /** How many more there are. */
  readonly more: number;
}

type Body = Pick<JudgedBodies, 'type' | 'charset'> & { readonly bytes: Uint8Array };

/** Every place in which two bodies differ: fields of HL7, X12, EDIFACT and ASTM, otherwise lines. */
export function bodyDifferences(before: Body, after: Body): BodyDifferences {
  const { fields, lines } = contentDiff(compared(before), compared(after));
  const all: BodyDifference[] = [
    ...fields.map(({ path, name, ...texts }) => ({
      at: name === undefined || name === '' ? path : `${path} (${name})`,
      before: texts.before,
      after: texts.after,
    })),
    ...lines.flatMap(({ change, text, ...numbers }): BodyDifference[] => {
      if (change === 'same') return [];
      return change === 'removed'
        ? [{ at: `line ${numbers.before}`, before: text, after: undefined }]
        : [{ at: `line ${numbers.after}`, before: undefined, after: text }];
    }),
  ];
  return { places: all.slice(0, SHOWN), more: Math.max(0, all.length - SHOWN) };
}

const compared = ({ bytes, type, charset }: Body): Parameters<typeof contentDiff>[0] => ({
  bytes,
  reading: { type, charset },
});
