import { EngineError } from '../../error/engine-error.ts';
import {
  cachedPaths,
  type LoopStep,
  nameCode,
  pathNumber,
  type SegmentPath,
} from '../segment/segment-path.ts';

const INDEX = String.raw`(?:\[(?:\*|\d{1,7})\])?`;
const LOOP = String.raw`(?:\d{4}[A-Z]{0,2}|ISA|GS|ST|UNB|UNG|UNH)`;
const PATH = new RegExp(
  String.raw`^((?:${LOOP}${INDEX}/)*)(?:(${LOOP}${INDEX})|([A-Z][A-Z\d]{1,2})(?:\[(\*|\d{1,7})\])?(?:-(\d{1,3})(?:\[(\*|\d{1,4})\])?(?:\.(\d{1,3}))?)?)$`,
);
const STEP = /^([^[]*)(?:\[(.*)\])?$/;

/** Loops that the envelope makes: an interchange, a functional group, a transaction set or message. Their first segment has the same name. */
export const ENVELOPES: ReadonlySet<string> = new Set(['ISA', 'GS', 'ST', 'UNB', 'UNG', 'UNH']);

/**
 * Compiles a path into X12 or EDIFACT: `CLM-1`, `CLM-5.1`, `NM1[2]-9`, `2300/HI[1]-1.2`, `ST[2]/2300[3]/CLM-1`;
 * `2300` and `2300[2]` are whole loops. Compiled paths are cached. Throws PATH_INVALID with the reason.
 */
export const ediPath: (text: string) => SegmentPath = cachedPaths(compile);

/** A path that names a loop, also one of the envelope, where `ST` alone means its segment. Throws PATH_INVALID. */
export function ediLoopPath(text: string): SegmentPath {
  const { loops } = ediPath(`${text}/ZZ`);
  return { ...ediPath('ZZ'), text, loops, segment: '', code: 0 };
}

/** Whether a path names a loop and no segment in it. */
export function isLoopPath({ segment }: SegmentPath): boolean {
  return segment === '';
}

function compile(text: string): SegmentPath {
  const match = PATH.exec(text);
  if (match === null) throw invalid(text, mistake(text));
  const [, before = '', loop, segment, index, field, repetition, component] = match;
  // an envelope name alone means its segment, just as ISA-6 means its field
  const own = loop !== undefined && ENVELOPES.has(stepOf(text, loop).id) ? loop : undefined;
  const name = own === undefined ? (segment ?? '') : stepOf(text, own).id;
  const steps = before.split('/').slice(0, -1);
  if (loop !== undefined && own === undefined) steps.push(loop);
  return {
    text,
    loops: steps.map((step) => stepOf(text, step)),
    segment: name,
    code: name === '' ? 0 : nameCode(name),
    index: own === undefined ? number(text, index) : stepOf(text, own).index,
    field: number(text, field),
    slot: number(text, field),
    isWhole: holdsDelimiters(name, field),
    repetition: number(text, repetition),
    component: number(text, component),
    subcomponent: 0,
  };
}

/** The fields of fixed width, and the octets of BIN. */
const holdsDelimiters = (segment: string, field: string | undefined): boolean =>
  segment === 'ISA' ? field !== undefined : segment === 'BIN' && field === '2';

function stepOf(text: string, step: string): LoopStep {
  const [, id = '', index] = STEP.exec(step) ?? [];
  return { id, index: number(text, index) };
}

function number(text: string, digits: string | undefined): number {
  return pathNumber(digits, () => {
    throw invalid(text, 'counting starts at 1');
  });
}

function invalid(text: string, why: string): EngineError {
  return new EngineError(
    'PATH_INVALID',
    `Path ${JSON.stringify(text)} into X12 or EDIFACT: ${why}. Write it like CLM-5.1, NM1[2]-9 or 2300/HI[1]-1.2.`,
  );
}

function mistake(text: string): string {
  const last = text.slice(text.lastIndexOf('/') + 1);
  if (/^[a-z]/.test(last)) return 'segment names are written in capitals';
  if (/\.\d+\.\d/.test(last)) return 'components have no parts';
  if (/^[A-Z][A-Z\d]{1,2}\.\d/.test(last)) return 'an element is written -5, not .5';
  if (/^[A-Z][A-Z\d]{3,}/.test(last)) return 'a segment has two or three letters or digits';
  if (/^\d/.test(last)) return 'a loop is four digits and up to two letters, as 2300 or 2010BA';
  return 'write a segment, or loops and a segment separated by /';
}
