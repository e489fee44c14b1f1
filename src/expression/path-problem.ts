import { astmPath } from '../document/astm/astm-path.ts';
import { columnPath } from '../document/delimited/column-path.ts';
import { dicomPath } from '../document/dicom/dicom-path.ts';
import type { Document } from '../document/document.ts';
import { ediPath } from '../document/edi/edi-path.ts';
import { isEdiSegment } from '../document/edi/known-segments.ts';
import { knownPath } from '../document/hl7/dictionary/known-path.ts';
import { jsonPointer } from '../document/json/pointer.ts';
import { xpathExpression } from '../document/xml/xpath-expression.ts';
import { isEngineError } from '../error/engine-error.ts';

/** Meant as an HL7 path, even if misspelled: `PID`, `PID3`, `pid-3`, `PID.3`, `PIDD-3`. */
const LIKE_HL7 =
  /^(?:[A-Z][A-Z\d]{2}(?:$|[-.[]|\d)|[A-Za-z][A-Za-z\d]{2}[-.]\d|[A-Z][A-Z\d]{1,4}-\d)/;

/**
 * What is wrong with a path in a production; undefined if nothing is.
 *
 * @param kind the kind of body; if it is unknown, a path that looks like HL7 is checked as one, unless
 * it is right in X12 or EDIFACT, one with loops as X12, and any other as a JSON pointer, an XPath or a column, whose names only the message knows
 */
export function pathProblem(path: string, kind?: Document['kind']): string | undefined {
  if (path === '') return 'A path is missing, such as PID-3.1.';
  return CHECKS[kind ?? likelyKind(path)](path);
}

/** What is wrong with a path into a body of segments, of whichever kind it will be. */
export function segmentPathProblem(path: string): string | undefined {
  return CHECKS.segments(path);
}

type Likely = Document['kind'] | 'segments' | 'pointer or XPath' | 'any';

const CHECKS: Readonly<Record<Likely, (path: string) => string | undefined>> = {
  hl7: (path) => knownPath(path).problem,
  x12: (path) => problemOf(() => ediPath(path)),
  edifact: (path) => problemOf(() => ediPath(path)),
  astm: (path) => problemOf(() => astmPath(path)),
  dicom: (path) => problemOf(() => dicomPath(path)),
  segments: (path) => (isOfEdi(path) ? undefined : CHECKS.hl7(path)),
  json: (path) => problemOf(() => jsonPointer(path)),
  xml: (path) => problemOf(() => xpathExpression(path)),
  delimited: (path) => problemOf(() => columnPath(path)),
  text: (path) =>
    path === '.' || /^\[[1-9]\d*\]$/.test(path)
      ? undefined
      : 'In plain text, the path is . for the whole text or [3] for its third line.',
  // nobody names a member of JSON so, and a slip in a title would otherwise be found by nobody
  'pointer or XPath': (path) =>
    path.includes('[template(') ? CHECKS.xml(path) : CHECKS.json(path) && CHECKS.xml(path),
  any: () => undefined,
};

/** `2300/CLM-1`, `2000B[2]` */
const LOOP = /^\d{4}[A-Z]{0,2}(?:\[[^\]]*\])?(?:\/|$)/;

/** Whether a path is right in X12 or EDIFACT, with a segment that they have. */
function isOfEdi(path: string): boolean {
  const [name = ''] = /^[A-Z][A-Z\d]{1,2}/.exec(path) ?? [];
  return isEdiSegment(name) && CHECKS.x12(path) === undefined;
}

/** Whether a path is meant as an HL7 path. */
export function isLikeHl7(path: string): boolean {
  return !path.startsWith('/') && LIKE_HL7.test(path);
}

function likelyKind(path: string): Likely {
  if (path.startsWith('/')) return 'pointer or XPath';
  if (LOOP.test(path)) return 'x12';
  return isLikeHl7(path) ? 'segments' : 'any';
}

function problemOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (isEngineError(error)) return error.message;
    throw error;
  }
}
