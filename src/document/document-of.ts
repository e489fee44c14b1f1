import { astmDocument } from './astm/astm-document.ts';
import {
  delimitedDocument,
  delimitedDocumentInTurns,
  type Layout,
} from './delimited/delimited-document.ts';
import { dicomDocument, dicomDocumentInTurns } from './dicom/dicom-document.ts';
import type { BodyHints, Document } from './document.ts';
import { ediDocument } from './edi/edi-document.ts';
import { hl7Document } from './hl7/hl7-document.ts';
import { inTurns } from './in-turns.ts';
import { jsonDocument, jsonDocumentInTurns } from './json/json-document.ts';
import { SegmentDocument } from './segment/segment-document.ts';
import { textDocument } from './text/text-document.ts';
import { xmlDocument, xmlDocumentInTurns } from './xml/xml-document.ts';

/**
 * Reads a body as its type says: HL7 v2, X12, EDIFACT, ASTM, DICOM, JSON, XML, delimited text, or else plain text. A media type may
 * carry `charset`, and for delimited text `header=absent` and `delimiter`. Throws an EngineError
 * DOCUMENT_UNREADABLE with the position of what is wrong, never quoting the body.
 */
export function documentOf(bytes: Uint8Array, hints: BodyHints): Document {
  const { media, parameters, given } = readHints(hints);
  const kind = kindOf(media);
  if (kind === 'delimited') {
    return delimitedDocument(bytes, layoutOf(media.toLowerCase(), parameters, given));
  }
  return READERS[kind](bytes, given);
}

/**
 * As `documentOf`, for a large body: it is read as a whole before anything is asked of it, and other work of the thread gets
 * its turn meanwhile. Undefined for one that is read fast enough as far as it is asked.
 */
export async function documentInTurns(
  bytes: Uint8Array,
  hints: BodyHints,
): Promise<Document | undefined> {
  const { media, parameters, given } = readHints(hints);
  const kind = kindOf(media);
  if (kind === 'xml') return await xmlDocumentInTurns(bytes, given);
  if (kind === 'dicom') return await dicomDocumentInTurns(bytes);
  if (kind === 'delimited') {
    return await delimitedDocumentInTurns(bytes, layoutOf(media.toLowerCase(), parameters, given));
  }
  if (bytes.byteLength < SLOW) return undefined;
  if (kind === 'json') return await jsonDocumentInTurns(bytes, given);
  const document = READERS[kind](bytes, given);
  if (document instanceof SegmentDocument) await inTurns(document.reading());
  return document;
}

/** Smaller bodies of segments and of JSON are read as far as they are asked: all of one takes some 30 ms at most. */
const SLOW = 1024 * 1024;

function readHints({ type, charset }: BodyHints) {
  const [media = '', ...rest] = type.split(';').map((part) => part.trim());
  const parameters = new Map(rest.map(parameter));
  return { media, parameters, given: charset ?? parameters.get('charset') };
}

type Reader = (bytes: Uint8Array, charset: string | undefined) => Document;

const READERS: Readonly<Record<Exclude<Document['kind'], 'delimited'>, Reader>> = {
  hl7: hl7Document,
  x12: ediDocument,
  edifact: ediDocument,
  astm: astmDocument,
  dicom: dicomDocument,
  json: jsonDocument,
  xml: xmlDocument,
  text: textDocument,
};

/** The kind of document that a type is read as; its parameters do not matter. */
export function kindOf(type: string): Document['kind'] {
  const media = (type.split(';')[0] ?? '').trim().toLowerCase();
  const ofSegments = SEGMENTS.find(([, pattern]) => pattern.test(media))?.[0];
  if (ofSegments !== undefined) return ofSegments;
  if (media === 'application/dicom') return 'dicom';
  if (/[/+]json$/.test(media)) return 'json';
  if (/[/+]xml$/.test(media)) return 'xml';
  return /^text\/(?:csv|tab-separated-values)$/.test(media) ? 'delimited' : 'text';
}

const SEGMENTS: readonly (readonly [Document['kind'], RegExp])[] = [
  [
    'hl7',
    /^hl7v2(?::|$)|^(?:application|x-application|text)\/(?:hl7-v2|x-hl7|edi-hl7|hl7v2)(?:\+er7)?$/,
  ],
  ['x12', /^x12(?::|$)|^(?:application\/(?:edi-x12|x12)|text\/x12)$/],
  ['edifact', /^edifact(?::|$)|^application\/edifact$/],
  ['astm', /^(?:application|text)\/(?:x-)?astm$/],
];

function layoutOf(
  media: string,
  parameters: ReadonlyMap<string, string>,
  charset: string | undefined,
): Layout {
  const tab = media === 'text/tab-separated-values' ? '\t' : undefined;
  // `delimiter=;` is none: the semicolon ends the parameter
  const delimiter = parameters.get('delimiter') || tab;
  return { delimiter, header: parameters.get('header') !== 'absent', charset };
}

function parameter(text: string): [name: string, value: string] {
  const [name = '', value = ''] = text.split('=', 2);
  return [name.trim().toLowerCase(), value.trim().replaceAll(/^"|"$/g, '')];
}
