import { EngineError } from '../../error/engine-error.ts';
import { ALL, nameCode, type SegmentPath } from '../segment/segment-path.ts';

const PATH = /^([A-Z])(?:\[(\*|\d{1,7})\])?(?:-(\d{1,3})(?:\[(\*|\d{1,4})\])?(?:\.(\d{1,3}))?)?$/;
const NO_LOOPS: SegmentPath['loops'] = [];
const CACHE_LIMIT = 1000;
const cache = new Map<string, SegmentPath>();

/**
 * Compiles `R`, `R-4`, `R[2]-3.4`, `R[*]-4`, `P-3[2]` into ASTM E1394 (LIS02); compiled paths are kept. Fields count as
 * the standard does: field 1 is the letter of the record. Throws PATH_INVALID.
 */
export function astmPath(text: string): SegmentPath {
  return cache.get(text) ?? compile(text);
}

function compile(text: string): SegmentPath {
  const match = PATH.exec(text);
  if (match === null) throw invalid(text);
  const [, segment = '', index, field, repetition, component] = match;
  const n = number(text, field);
  const path: SegmentPath = {
    text,
    loops: NO_LOOPS,
    segment,
    code: nameCode(segment),
    index: number(text, index),
    field: n,
    slot: n - 1,
    repetition: number(text, repetition),
    component: number(text, component),
    subcomponent: 0,
  };
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(text, path);
  return path;
}

function number(text: string, digits: string | undefined): number {
  if (digits === undefined) return 0;
  if (digits === '*') return ALL;
  const value = Number(digits);
  if (value === 0) throw invalid(text);
  return value;
}

function invalid(text: string): EngineError {
  return new EngineError(
    'PATH_INVALID',
    `ASTM path ${JSON.stringify(text)}: write the letter of a record, with a field and a component as in R-4, R[2]-3.4 or P-3; counting starts at 1.`,
  );
}
