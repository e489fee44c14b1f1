import { EngineError } from '../../error/engine-error.ts';
import { cachedPaths, nameCode, pathNumber, type SegmentPath } from '../segment/segment-path.ts';

const PATH = /^([A-Z])(?:\[(\*|\d{1,7})\])?(?:-(\d{1,3})(?:\[(\*|\d{1,4})\])?(?:\.(\d{1,3}))?)?$/;
const NO_LOOPS: SegmentPath['loops'] = [];

/**
 * Compiles `R`, `R-4`, `R[2]-3.4`, `R[*]-4`, `P-3[2]` into ASTM E1394 (LIS02); compiled paths are cached. Fields are numbered as in
 * the standard: field 1 is the letter of the record. Throws PATH_INVALID.
 */
export const astmPath: (text: string) => SegmentPath = cachedPaths(compile);

function compile(text: string): SegmentPath {
  const match = PATH.exec(text);
  if (match === null) throw invalid(text);
  const [, segment = '', index, field, repetition, component] = match;
  const number = (digits: string | undefined): number =>
    pathNumber(digits, () => {
      throw invalid(text);
    });
  const n = number(field);
  return {
    text,
    loops: NO_LOOPS,
    segment,
    code: nameCode(segment),
    index: number(index),
    field: n,
    slot: n - 1,
    // the letter of the record, and the delimiters in H
    isWhole: n === 1 || (n === 2 && segment === 'H'),
    repetition: number(repetition),
    component: number(component),
    subcomponent: 0,
  };
}

function invalid(text: string): EngineError {
  return new EngineError(
    'PATH_INVALID',
    `ASTM path ${JSON.stringify(text)}: write the letter of a record, with a field and a component as in R-4, R[2]-3.4 or P-3; counting starts at 1.`,
  );
}
