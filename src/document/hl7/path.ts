import { EngineError } from '../../error/engine-error.ts';
import { cachedPaths, nameCode, pathNumber, type SegmentPath } from '../segment/segment-path.ts';
import { isHeaderName } from './delimiters.ts';

export type Hl7Path = SegmentPath;

const PATH =
  /^([A-Z][A-Z\d]{2})(?:\[(\*|\d{1,7})\])?(?:-(\d{1,3})(?:\[(\*|\d{1,4})\])?(?:\.(\d{1,3})(?:\.(\d{1,3}))?)?)?$/;
const NO_LOOPS: SegmentPath['loops'] = [];

/**
 * Compiles `PID`, `PID-3`, `PID-3[2].4.2`, `OBX[3]-5`, `PID-3[*].1`, `OBX[*]-5`; compiled paths are
 * cached. Throws PATH_INVALID with the position of the mistake.
 */
export const hl7Path: (text: string) => Hl7Path = cachedPaths(compile);

function compile(text: string): Hl7Path {
  const match = PATH.exec(text);
  if (match === null) throw invalid(text, ...mistake(text));
  const [, segment = '', index, field, repetition, component, subcomponent] = match;
  const number = (digits: string | undefined): number =>
    pathNumber(digits, (zero) => {
      throw invalid(text, text.indexOf(zero), 'counting starts at 1');
    });
  const isHeader = isHeaderName(segment);
  const slot = number(field) - (isHeader ? 1 : 0);
  return {
    text,
    loops: NO_LOOPS,
    segment,
    code: nameCode(segment),
    index: number(index),
    field: number(field),
    slot,
    // the delimiters, which MSH, BHS and FHS begin with
    isWhole: isHeader && (slot === 0 || slot === 1),
    repetition: number(repetition),
    component: number(component),
    subcomponent: number(subcomponent),
  };
}

function invalid(text: string, at: number, why: string): EngineError {
  return new EngineError(
    'PATH_INVALID',
    `HL7 path ${JSON.stringify(text)}, position ${at + 1}: ${why}. Write it like PID-3[2].4.2 or OBX[3]-5.`,
  );
}

const PREFIX =
  /^[A-Z][A-Z\d]{2}(?:\[(?:\*|\d{1,7})\])?(-\d{1,3}(?:\[(?:\*|\d{1,4})\])?(?:\.\d{1,3}(\.\d{1,3})?)?)?/;

/** Says what is wrong after the longest valid beginning. */
function mistake(text: string): [at: number, why: string] {
  const prefix = PREFIX.exec(text);
  if (prefix === null) {
    return /^[A-Za-z][A-Za-z\d]{2}(?![A-Za-z\d])/.test(text)
      ? [0, 'segment names are written in capitals']
      : [0, 'a path begins with a segment name of three capitals or digits'];
  }
  const [{ length: at }, field, subcomponent] = prefix;
  const next = text.charAt(at);
  if (next === '[') return [at, 'a number in brackets is written [1] or [*]'];
  if (next === '-') return [at, 'a field is written -5'];
  if (next !== '.') return [at, 'the path should end here'];
  if (field === undefined) return [at, 'a field is written -5, not .5'];
  if (subcomponent !== undefined) return [at, 'subcomponents have no parts'];
  return [at, 'a component is written .1'];
}
