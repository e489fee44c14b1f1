import { DelimitedDocument } from '../../document/delimited/delimited-document.ts';
import type { Document } from '../../document/document.ts';
import { EdiDocument } from '../../document/edi/edi-document.ts';
import { ediParts } from '../../document/edi/edi-parts.ts';
import { Hl7Document } from '../../document/hl7/hl7-document.ts';
import { segmentGroups } from '../../document/hl7/segment-groups.ts';
import { JsonDocument } from '../../document/json/json-document.ts';
import { TextDocument } from '../../document/text/text-document.ts';
import { XmlDocument } from '../../document/xml/xml-document.ts';
import { EngineError } from '../../error/engine-error.ts';
import { EDI_LOOP, type Split } from './read-split.ts';

/** What a body is split into. */
export interface Parts {
  readonly count: number;
  /** There is no such list at all; an empty list is another matter. */
  readonly missing: boolean;
  /** A body made of the parts with these numbers, from 1. */
  make(numbers: readonly number[]): Document;
}

/** The parts of a body. Throws TRANSFORM_FAILED if its kind does not fit what it is to be split by. */
export function partsOf(document: Document, split: Split): Parts {
  const { each } = split;
  if (each === 'rows') return rows(document);
  if (each === 'lines') return lines(document);
  if (EDI_LOOP.test(each)) return loops(document, each);
  if (!each.startsWith('/')) return groups(document, each);
  return document instanceof XmlDocument ? elements(document, split) : items(document, split);
}

function rows(document: Document): Parts {
  if (!(document instanceof DelimitedDocument)) throw notOfKind('rows', 'delimited', document);
  const numbers = Array.from({ length: document.rowCount }, (_, at) => at + 1).filter(
    (number) => !document.isBlank(number),
  );
  return {
    count: numbers.length,
    missing: false,
    make: (chosen) => document.withRows(chosen.map((number) => numbers[number - 1] ?? 0)),
  };
}

function lines(document: Document): Parts {
  if (!(document instanceof TextDocument)) throw notOfKind('lines', 'text', document);
  const all = document.lines().filter((line) => line.trim() !== '');
  return {
    count: all.length,
    missing: false,
    make: (numbers) => document.withText(numbers.map((number) => all[number - 1] ?? '').join('')),
  };
}

function loops(document: Document, id: string): Parts {
  if (!(document instanceof EdiDocument)) throw notOfKind(id, 'x12', document);
  const found = ediParts(document, id);
  return { ...found, missing: found.count === 0 };
}

function groups(document: Document, name: string): Parts {
  if (!(document instanceof Hl7Document)) throw notOfKind(name, 'hl7', document);
  const found = segmentGroups(document, name);
  return { ...found, missing: found.count === 0 };
}

/** Parts of a JSON array: a single element, or an array of several. */
function items(document: Document, { each, size }: Split): Parts {
  if (!(document instanceof JsonDocument)) throw notOfKind(each, 'json or xml', document);
  const found = document.elements(each === '/' ? '' : each);
  return {
    count: found?.length ?? 0,
    missing: found === undefined,
    make(numbers) {
      const texts = numbers.map((number) => found?.[number - 1] ?? 'null');
      return document.withText(size === undefined ? (texts[0] ?? 'null') : `[${texts.join(',')}]`);
    },
  };
}

function elements(document: XmlDocument, { each, size }: Split): Parts {
  const found = document.elementsAt(undefined, each);
  return {
    count: found.length,
    missing: found.length === 0,
    make: (numbers) =>
      document.withElements(
        numbers.flatMap((number) => found[number - 1] ?? []),
        size !== undefined,
      ),
  };
}

function notOfKind(each: string, needed: string, { kind }: Document): EngineError {
  return new EngineError(
    'TRANSFORM_FAILED',
    `split: ${each} needs a body that is ${needed}, but this one is ${kind}`,
  );
}
