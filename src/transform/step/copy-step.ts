import type { Document } from '../../document/document.ts';
import { SegmentDocument } from '../../document/segment/segment-document.ts';
import { anySegmentPath } from '../../document/segment-paths.ts';
import { EngineError } from '../../error/engine-error.ts';
import type { Given } from '../../expression/given.ts';
import { pathProblem } from '../../expression/path-problem.ts';
import { jsonPlace } from '../json-place.ts';
import { madeSegment, rawPlace } from '../raw-place.ts';
import type { Run, Step, Work } from '../work.ts';
import { checkListPaths, readPlace, type StepContext, type StepKind } from './step-reader.ts';

/**
 * `{ copy: PID-3, to: PID-2 }`: copies a field with all its repetitions and parts, or any other
 * value; of JSON also objects and arrays; `/` is the whole message. `{ copy: [PID, PV1] }`: copies every segment with these names to the end of the new
 * message.
 */
export const copyStep: StepKind = {
  keys: ['copy', 'to'],
  help: 'Copies a field with all its repetitions and parts to another, JSON as it is (to: / as the whole new message), or without to whole segments to the end of the new message.',
  read(given, context) {
    return given.at('to').isAbsent ? readSegments(given) : readValueCopy(given, context);
  },
};

function readValueCopy(given: Given, context: StepContext): Step['run'] | undefined {
  const from = given.at('copy').text('A path');
  const place = readPlace(given.at('to'), context);
  const problem = from === undefined ? undefined : pathProblem(from);
  if (problem !== undefined) given.at('copy').wrong(problem);
  checkListPaths(given.at('copy'), from, context);
  if (from === undefined || place === undefined) return undefined;
  return (work) => copyValue(work, from, place(work));
}

function copyValue({ scope, target }: Work, from: string, to: string): void {
  const source = scope.document();
  if (copyJson(source, from, target, to)) return;
  const read = rawPlace(source, from);
  if (read !== undefined) madeSegment(target, to);
  const write = read === undefined ? undefined : rawPlace(target, to);
  if (read === undefined || write === undefined) target.set(to, source.get(from));
  else write.message.setRaw(write.path, read.message.raw(read.path));
}

/** Whether it was a copy from JSON to JSON: numbers, lists and objects stay what they are. */
function copyJson(source: Document, from: string, target: Document, to: string): boolean {
  const [read, write] = [jsonPlace(source, from), jsonPlace(target, to)];
  if (read === undefined || write === undefined) return false;
  const value = read.document.written(from === '/' ? '' : read.path);
  if (value !== undefined) write.document.setWritten(to === '/' ? '' : write.path, value);
  else if (to !== '/') return false;
  else throw new EngineError('TRANSFORM_FAILED', `there is nothing at ${from}`);
  return true;
}

/** The frame of a message, which is not copied with the rest. */
const HEADERS: ReadonlySet<string> = new Set(['', 'MSH', 'ISA', 'GS', 'ST', 'UNB', 'UNG', 'UNH']);

function readSegments(given: Given): Step['run'] {
  const items = given.at('copy').items();
  const names = items.flatMap((item) => item.text('A segment') ?? []);
  for (const item of items) {
    const path = anySegmentPath(String(item.value));
    const isOther = path?.field === 0 && path.index === 0 && path.loops.length === 0;
    if (!isOther || HEADERS.has(path.segment)) {
      item.wrong(
        'copy without to: takes names of segments other than MSH, such as PID. To copy a value, write its place under to:.',
      );
    }
  }
  return ({ run }) => {
    for (const name of names) copySegments(run, name);
  };
}

function copySegments({ source, target }: Run, name: string): void {
  const isCopied =
    source instanceof SegmentDocument &&
    target instanceof SegmentDocument &&
    source.kind === target.kind;
  if (!isCopied) {
    throw new EngineError(
      'TRANSFORM_FAILED',
      `${name} is a segment and cannot be copied: one body is ${source.kind}, the other ${target.kind}`,
    );
  }
  for (const segment of source.segments(name)) {
    const made = target.append(name);
    for (let number = 1; number <= segment.fieldCount; number++) {
      const raw = segment.raw(`${name}-${number}`);
      if (raw !== '') made.setRaw(`${name}-${number}`, raw);
    }
  }
}
