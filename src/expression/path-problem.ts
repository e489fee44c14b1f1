import { hl7Path } from '../document/hl7/path.ts';
import { isEngineError } from '../error/engine-error.ts';

/** Three letters and then a digit, dash, dot or bracket, or nothing: meant as an HL7 path, also if it is written wrongly. */
const LIKE_HL7 = /^[A-Za-z][A-Za-z\d]{2}(?:$|[-.[]|\d)/;
const CAPITALS = /^[A-Z][A-Z\d]{2}(?:$|[-.[]|\d)/;

/**
 * What is wrong with a literal path; undefined if nothing is. A path that does not look like HL7 is a
 * JSON pointer, an XPath or a column, whose names only the message knows.
 */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'A path is missing, such as PID-3.1.';
  if (!CAPITALS.test(path) && !(LIKE_HL7.test(path) && /\d/.test(path))) return undefined;
  try {
    hl7Path(path);
    return undefined;
  } catch (error) {
    if (isEngineError(error)) return error.message;
    throw error;
  }
}
