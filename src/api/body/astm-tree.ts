import type { BodyHints } from '../../document/document.ts';
import { astmDocument } from '../../document/index.ts';
import { type SegmentTree, segmentFields } from './segment-fields.ts';

/** The records of ASTM E1394 and LIS02. */
const TITLES: Readonly<Record<string, string>> = {
  H: 'Header',
  P: 'Patient',
  O: 'Order',
  R: 'Result',
  C: 'Comment',
  Q: 'Query',
  S: 'Scientific',
  M: 'Manufacturer',
  L: 'Terminator',
};

/** Parses a message of a laboratory device. Throws DOCUMENT_UNREADABLE. */
export function astmTree(bytes: Uint8Array, charset: BodyHints['charset']): SegmentTree {
  const document = astmDocument(bytes, charset);
  const apart = {
    ...document.delimiters,
    first: 2,
    isWhole: (name: string, n: number) => name === 'H' && n === 2,
    plain: (raw: string) => document.plain(raw),
  } as const;
  const counts = new Map<string, number>();
  const segments = document.segments().map(({ name, text }) => {
    const index = (counts.get(name) ?? 0) + 1;
    counts.set(name, index);
    const fields = segmentFields(apart, { name, text, index });
    return { name, index, title: TITLES[name], raw: text, fields };
  });
  return {
    standard: 'ASTM',
    version: document.get('H-13'),
    message: undefined,
    title: undefined,
    charset: document.charset.name,
    segments,
  };
}
