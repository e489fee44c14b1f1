import type { BodyHints, Document } from '../document/document.ts';
import { documentOf, kindOf } from '../document/document-of.ts';
import { isEngineError } from '../error/engine-error.ts';
import { tolerate } from '../error/foreseen.ts';
import type { SearchKey } from './trace-input.ts';

/**
 * The name under which every HL7 message's MSH-10 is indexed, the control numbers of X12, EDIFACT
 * and ASTM, and the instance UID of DICOM, independently of the production's search fields.
 */
export const CONTROL_ID = 'control-id';

/** The paths of a body's own control ids. */
const CONTROL_IDS: Partial<Record<Document['kind'], readonly string[]>> = {
  hl7: ['MSH-10'],
  x12: ['ISA-13', 'GS-6'],
  edifact: ['UNB-5', 'UNG-5'],
  astm: ['H-3'],
  dicom: ['SOPInstanceUID'],
};

/** The most values of one field per body, such as of the patients in a file; further ones cannot be found. */
const VALUES = 10_000;

/**
 * Reads the search keys of a body. Returns none if it cannot be read: the trace accepts every
 * message, readable or not.
 */
export type SearchFields = (bytes: Uint8Array, reading: BodyHints) => readonly SearchKey[];

/**
 * The production's search fields (name → HL7 path, JSON pointer, XPath or column), and always the
 * control ids of HL7, X12, EDIFACT, ASTM and DICOM. A path that is not valid for a body's kind
 * finds nothing there.
 */
export function searchFields(search: ReadonlyMap<string, string>): SearchFields {
  const paths = [...search].filter(([name]) => name !== CONTROL_ID);
  /** `kind path` of paths that are for a different kind of document. */
  const unfit = new Set<string>();
  return (bytes, reading) => {
    const document = readable(bytes, reading);
    if (document === undefined) return [];
    const keys: SearchKey[] = [];
    const add = (name: string, path: string): void => {
      for (const value of valuesAt(document, path, unfit)) keys.push({ name, value });
    };
    for (const path of CONTROL_IDS[document.kind] ?? []) add(CONTROL_ID, path);
    for (const [name, path] of paths) add(name, path);
    return keys;
  };
}

/** Identifies a set of search fields: a store that was indexed with different ones has to be re-indexed. */
export function searchFingerprint(search: ReadonlyMap<string, string>): string {
  return JSON.stringify([...search].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The search fields of `searchFingerprint`; undefined for anything else. */
export function searchOfFingerprint(
  fingerprint: string | undefined,
): ReadonlyMap<string, string> | undefined {
  if (fingerprint === undefined || !fingerprint.startsWith('[')) return undefined;
  return new Map(JSON.parse(fingerprint) as [string, string][]);
}

/** The names of fields that were found, and of those of a fingerprint, in order. */
export function fieldNames(found: readonly string[], fingerprint: string | undefined): string[] {
  const known = searchOfFingerprint(fingerprint)?.keys() ?? [];
  return [...new Set([...found, ...known])].toSorted((a, b) => a.localeCompare(b));
}

/** A text has no fields. */
function readable(bytes: Uint8Array, reading: BodyHints): Document | undefined {
  if (bytes.byteLength === 0 || kindOf(reading.type) === 'text') return undefined;
  try {
    return documentOf(bytes, reading);
  } catch (error) {
    // a damaged one has no fields
    return tolerate(error, isEngineError, 'reading a body for its search fields');
  }
}

function valuesAt(document: Document, path: string, unfit: Set<string>): string[] {
  const place = `${document.kind} ${path}`;
  if (unfit.has(place)) return [];
  try {
    const values = document.all(path).filter((value) => value.trim() !== '');
    return [...new Set(values)].slice(0, VALUES);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'PATH_INVALID')
      unfit.add(place);
    return [];
  }
}
