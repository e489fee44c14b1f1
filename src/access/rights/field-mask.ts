import type { DelimitedDocument } from '../../document/delimited/delimited-document.ts';
import type { BodyHints, Document } from '../../document/document.ts';
import {
  type AstmDocument,
  type DicomDocument,
  documentOf,
  type EdiDocument,
  type Hl7Document,
  hl7Path,
} from '../../document/index.ts';
import { masked } from '../../trace/masked.ts';
import { ApiError } from '../../web/api-error.ts';
import { maskAstm } from './mask/astm-mask.ts';
import { maskDicom } from './mask/dicom-mask.ts';
import { maskEdi } from './mask/edi-mask.ts';
import { maskHl7 } from './mask/hl7-mask.ts';
import { maskJson } from './mask/json-mask.ts';
import { plainName } from './mask/shown-names.ts';
import { maskXml } from './mask/xml-mask.ts';

/**
 * Hides everything in a body that identifies a patient, for those who may not see it. Throws
 * FORBIDDEN if it cannot.
 */
export type BodyMask = (body: Uint8Array, reading: BodyHints) => Uint8Array;

/** Places in bodies, by kind of document. */
export interface Places {
  /** `PID-3`: the field in every such segment, with all its repetitions. */
  readonly hl7: readonly string[];
  /** `REF-2`: the element in every such segment. */
  readonly x12: readonly string[];
  readonly edifact: readonly string[];
  /** `P-6`: the field in every such record. */
  readonly astm: readonly string[];
  /** Keywords of attributes, at any depth. */
  readonly dicom: readonly string[];
  /** Names of properties, at any depth and in any case; includes everything below them. */
  readonly json: readonly string[];
  /** Names of elements and attributes, or XPath. */
  readonly xml: readonly string[];
  /** Names or numbers of columns. */
  readonly delimited: readonly string[];
}

/** What an installation adds to Waybill's own list. */
export interface MaskPaths extends Places {
  /** What is shown although Waybill, which does not know it, would mask it. */
  readonly shown: Places;
}

const NONE: Places = {
  hl7: [],
  x12: [],
  edifact: [],
  astm: [],
  dicom: [],
  json: [],
  xml: [],
  delimited: [],
};

/** Everything is masked except what is known not to identify anybody, unless `console.yaml` says otherwise. */
export const MASKED_PATHS: MaskPaths = { ...NONE, shown: NONE };

/**
 * Masks values in place and keeps their length: a letter becomes `X` or `x`, a digit `0`, and
 * separators stay, so that a wrong format remains visible. What cannot be masked is not shown.
 */
export function fieldMask(paths: MaskPaths): BodyMask {
  const { shown } = paths;
  const hl7 = { hidden: new Set(paths.hl7.map(fieldOf)), shown: new Set(shown.hl7.map(fieldOf)) };
  const edi = {
    x12: { hidden: new Set(paths.x12), shown: new Set(shown.x12) },
    edifact: { hidden: new Set(paths.edifact), shown: new Set(shown.edifact) },
  };
  const astm = { hidden: new Set(paths.astm), shown: new Set(shown.astm) };
  const dicom = { hidden: new Set(paths.dicom), shown: new Set(shown.dicom) };
  const json = { hidden: plainNames(paths.json), shown: plainNames(shown.json) };
  const xml = { hidden: plainNames(paths.xml), shown: plainNames(shown.xml) };
  const expressions = paths.xml.filter((one) => one.includes('/'));
  return (bytes, reading) => {
    const document = documentOf(bytes, reading);
    if (document.kind === 'hl7') return maskHl7(document as Hl7Document, hl7);
    if (document.kind === 'x12' || document.kind === 'edifact') {
      return maskEdi(document as EdiDocument, edi[document.kind]);
    }
    if (document.kind === 'astm') return maskAstm(document as AstmDocument, astm);
    if (document.kind === 'dicom') return maskDicom(document as DicomDocument, dicom);
    if (document.kind === 'json') return maskJson(document.bytes(), json);
    if (document.kind === 'xml') {
      const { charset } = reading;
      const all = maskXml(bytes, charset, xml);
      return expressions.length === 0 ? all : maskPlaces(documentOf(all, reading), expressions);
    }
    if (document.kind === 'delimited') return maskDelimited(document as DelimitedDocument, paths);
    throw new ApiError(
      403,
      'FORBIDDEN',
      'this kind of body can only be shown with message.content.unmasked',
    );
  };
}

/** `PID-3.1` masks all of `PID-3`, in every segment of that name: a part of a field is no safer than the rest of it. */
function fieldOf(path: string): string {
  const { segment, field } = hl7Path(path);
  return field === 0 ? segment : `${segment}-${field}`;
}

const plainNames = (names: readonly string[]): ReadonlySet<string> =>
  new Set(names.filter((one) => !one.includes('/')).map(plainName));

/** A name of a column; the first record of a file without names does not count. */
const COLUMN = /^(?!.*\d{3})[\p{L}_][\p{L}\p{N}_ .-]{0,39}$/u;

function maskDelimited(document: DelimitedDocument, { delimited, shown }: MaskPaths): Uint8Array {
  const { columns } = document;
  const named = columns.every((name) => name === '' || COLUMN.test(name));
  const numbers = (names: readonly string[]): ReadonlySet<number> =>
    new Set(names.map((name) => columns.indexOf(name) + 1 || Number(name)));
  const shownColumns = numbers(shown.delimited);
  const hidden = numbers(delimited);
  document.rewrite((value, row, column) => {
    if (row === 0 && named) return value;
    return shownColumns.has(column) && !hidden.has(column) && row > 0 ? value : masked(value);
  });
  return document.bytes();
}

/** Masks the places that `mask.xml` gives as paths rather than names. */
function maskPlaces(document: Document, paths: readonly string[]): Uint8Array {
  for (const path of paths) {
    const count = document.all(path).length;
    if (count > 1) {
      throw new ApiError(
        403,
        'FORBIDDEN',
        'a masked path occurs several times, so the body can only be shown unmasked',
      );
    }
    if (count === 1) document.set(path, masked(document.get(path)));
  }
  return document.bytes();
}
