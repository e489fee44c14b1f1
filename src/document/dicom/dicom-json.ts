import { EngineError } from '../../error/engine-error.ts';
import { attributeAt } from './attributes.ts';
import { DicomDocument, type DicomJson, dicomDocument } from './dicom-document.ts';
import { fileHead, objectStart } from './file-head.ts';

/** A data set that is not a file: the query of a C-FIND, and each answer to it. */
interface Identifier {
  readonly bytes: Uint8Array;
  readonly transferSyntax: string;
}

const NO_OBJECT = { classUid: '1.2.840.10008.1.3.10', instanceUid: '2.25.0' };
const CHARSET = 'SpecificCharacterSet';
/** How deep objects may stand in each other. */
const DEEPEST = 16;

function asFile({ bytes, transferSyntax }: Identifier): Buffer {
  return Buffer.concat([fileHead(NO_OBJECT, { transferSyntax, source: '' }), bytes]);
}

/**
 * A data set as JSON (PS3.18 F): `{ "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "DOE^JANE" }] } }`. An attribute
 * without a value has none: it is asked for.
 */
export function identifierJson(identifier: Identifier): string {
  return JSON.stringify(dicomDocument(asFile(identifier)).toJson());
}

/** As `identifierJson`, as code would write it: keywords with plain values; several of them are a list, none are null. */
export function identifierByKeyword(identifier: Identifier): string {
  return JSON.stringify(byKeyword(dicomDocument(asFile(identifier)).toJson()));
}

function byKeyword(object: DicomJson): Record<string, unknown> {
  const entries = Object.entries(object).map(([tag, { vr, Value = [] }]): [string, unknown] => {
    const keyword = attributeAt(tag)?.keyword ?? tag;
    if (vr === 'SQ') return [keyword, Value.map((item) => byKeyword(item as DicomJson))];
    const values = Value.map(plain);
    return [keyword, values.length > 1 ? values : (values[0] ?? null)];
  });
  return Object.fromEntries(entries);
}

const plain = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'Alphabetic' in value ? value.Alphabetic : value;

/**
 * A data set from JSON, which is that of PS3.18 F, or has keywords and plain values, as the row of a database or
 * code makes it: `{ "PatientName": "DOE^JANE", "ScheduledProcedureStepSequence": [{ "Modality": "CT" }] }`; a name may
 * also be a path (`ScheduledProcedureStepSequence[1]/Modality`). Null and undefined leave an attribute empty. Throws
 * PATH_INVALID or MESSAGE_INVALID with the attribute that is wrong.
 */
export function identifierFrom(json: unknown, transferSyntax: string): Buffer {
  const document = new DicomDocument(asFile({ bytes: Buffer.alloc(0), transferSyntax }));
  document.set(CHARSET, 'ISO_IR 192');
  setAll(document, json, { prefix: '', depth: 0 });
  const file = document.bytes();
  // an attribute such as SOPInstanceUID is also written into the head
  return Buffer.from(file).subarray(objectStart(file));
}

interface Place {
  readonly prefix: string;
  readonly depth: number;
}

function setAll(document: DicomDocument, json: unknown, { prefix, depth }: Place): void {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw invalid(prefix === '' ? 'each answer' : prefix, 'is no object of attributes');
  }
  if (depth > DEEPEST) throw invalid(prefix, 'objects stand too deep in each other');
  for (const [name, given] of Object.entries(json)) {
    if (name === CHARSET || name === '00080005') continue;
    setOne(document, valueIn(given), { prefix: `${prefix}${name}`, depth });
  }
}

/** Of `{ vr, Value }` the value. */
function valueIn(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || !('vr' in given)) return given;
  return 'Value' in given ? given.Value : undefined;
}

function setOne(document: DicomDocument, value: unknown, { prefix: path, depth }: Place): void {
  const values = Array.isArray(value) ? value : [value];
  if (values.some(isItem)) {
    for (const [n, item] of values.entries()) {
      setAll(document, item, { prefix: `${path}[${n + 1}]/`, depth: depth + 1 });
    }
    return;
  }
  document.set(path, values.map((one) => textOf(one, path)).join('\\'));
}

/** An object that is no name: names are `{ "Alphabetic": "DOE^JANE" }`. */
const isItem = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !('Alphabetic' in value);

function textOf(value: unknown, path: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'object' && 'Alphabetic' in value) return String(value.Alphabetic);
  throw invalid(path, 'is neither text nor a number');
}

function invalid(what: string, why: string): EngineError {
  return new EngineError('MESSAGE_INVALID', `${what} ${why}`);
}
