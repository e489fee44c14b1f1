import type { BodyHints } from '../../document/document.ts';
import { ediDocument, ediHead } from '../../document/index.ts';
import { type SegmentTree, segmentFields } from './segment-fields.ts';

/** How much of a body is enough to recognize it. */
const HEAD = 4_096;

/**
 * Parses an interchange of X12 or EDIFACT; a segment's title is the loop that contains it. Throws
 * DOCUMENT_UNREADABLE.
 */
export function ediTree(bytes: Uint8Array, charset: BodyHints['charset']): SegmentTree {
  const document = ediDocument(bytes, charset);
  const head = ediHead(document.text().slice(0, HEAD));
  const apart = {
    ...document.syntax,
    first: 1,
    // ISA contains the delimiters
    isWhole: (name: string) => document.kind === 'x12' && name === 'ISA',
    plain: (raw: string) => document.plain(raw),
  } as const;
  const counts = new Map<string, number>();
  const segments = document.segments().map(({ name, text, line }) => {
    const index = (counts.get(name) ?? 0) + 1;
    counts.set(name, index);
    const fields = segmentFields(apart, { name, text, index });
    return { name, index, title: document.loopOf(line), raw: text, fields };
  });
  return {
    standard: document.kind === 'x12' ? 'X12' : 'EDIFACT',
    version: head?.version ?? '',
    message: head?.name,
    title: undefined,
    charset: document.charset.name,
    segments,
  };
}
