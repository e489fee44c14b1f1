import { charsetNamed, decodeFaithfully, kindOf } from '../../document/index.ts';
import type { Diff } from '../contract/body.ts';
import { hl7Difference } from './hl7-difference.ts';
import { hl7Tree } from './hl7-tree.ts';
import { lineDifference } from './line-difference.ts';
import type { ShownBody } from './shown-body.ts';

/** Differences shown; more are of no use to a reader. */
const SHOWN = 5_000;

/** What of a body a comparison needs. */
export type Compared = Pick<ShownBody, 'bytes' | 'reading'>;

/** Compares the bodies of two messages. */
export function bodyDiff(before: ShownBody, after: ShownBody): Diff {
  return {
    before: before.message.id,
    after: after.message.id,
    masked: before.masked || after.masked,
    ...contentDiff(before, after),
  };
}

/** Compares two bodies: HL7 field by field where both can be read, anything else line by line. */
export function contentDiff(
  before: Compared,
  after: Compared,
): Pick<Diff, 'kind' | 'equal' | 'fields' | 'lines' | 'truncated'> {
  const trees = [before, after].map(treeOf);
  const [one, other] = trees;
  if (one !== undefined && other !== undefined) {
    const fields = hl7Difference(one, other);
    return {
      kind: 'hl7',
      equal: fields.length === 0,
      fields: fields.slice(0, SHOWN),
      lines: [],
      truncated: fields.length > SHOWN,
    };
  }
  const { lines, truncated } = lineDifference(linesOf(before), linesOf(after));
  return {
    kind: 'lines',
    equal: !truncated && lines.every(({ change }) => change === 'same'),
    fields: [],
    lines: lines.slice(0, SHOWN),
    truncated: truncated || lines.length > SHOWN,
  };
}

function treeOf({ bytes, reading }: Compared): ReturnType<typeof hl7Tree> | undefined {
  if (kindOf(reading.type) !== 'hl7') return undefined;
  try {
    return hl7Tree(bytes, reading.charset);
  } catch {
    // damaged: compared line by line
    return undefined;
  }
}

function linesOf({ bytes, reading }: Compared): string[] {
  const { text } = decodeFaithfully(bytes, charsetNamed(reading.charset));
  if (kindOf(reading.type) !== 'json') return text.split(/\r\n|\r|\n/);
  try {
    return JSON.stringify(JSON.parse(text), null, 2).split('\n');
  } catch {
    // no JSON
    return text.split(/\r\n|\r|\n/);
  }
}
