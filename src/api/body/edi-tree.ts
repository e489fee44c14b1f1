import type { Reading } from '../../document/document.ts';
import { type EdiDocument, ediDocument, ediHead, partsOf } from '../../document/index.ts';
import type { Hl7Tree, Hl7TreeField, Hl7TreeSegment } from '../contract/body.ts';

type Tree = Omit<Hl7Tree, 'messageId' | 'masked'>;

/** How much of a body says what it is. */
const HEAD = 4_096;

/** Takes an interchange of X12 or EDIFACT apart; a segment's title is the loop that it stands in. Throws DOCUMENT_UNREADABLE. */
export function ediTree(bytes: Uint8Array, charset: Reading['charset']): Tree {
  const document = ediDocument(bytes, charset);
  const head = ediHead(document.text().slice(0, HEAD));
  const counts = new Map<string, number>();
  const segments = document.segments().map(({ name, text, line }) => {
    const index = (counts.get(name) ?? 0) + 1;
    counts.set(name, index);
    const fields = fieldsOf(document, { name, text, index });
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

interface Raw {
  readonly name: string;
  readonly text: string;
  readonly index: number;
}

function fieldsOf(document: EdiDocument, { name, text, index }: Raw): Hl7TreeSegment['fields'] {
  const { field, release } = document.syntax;
  const prefix = index === 1 ? name : `${name}[${index}]`;
  // ISA has the delimiters in it
  const whole = document.kind === 'x12' && name === 'ISA';
  return partsOf(text, field, release)
    .slice(1)
    .flatMap((raw, at): Hl7TreeField[] => {
      const n = at + 1;
      const path = `${prefix}-${n}`;
      if (raw === '') return [];
      const repetitions = whole ? [[{ n: 1, path, value: raw }]] : valuesOf(document, raw, path);
      return [{ n, path, raw, repetitions }];
    });
}

function valuesOf(document: EdiDocument, raw: string, path: string): Hl7TreeField['repetitions'] {
  const { component, repetition, release } = document.syntax;
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
              value: document.plain(value),
            },
          ],
    );
  });
}
