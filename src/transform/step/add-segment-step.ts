import type { Segment } from '../../document/segment/segment.ts';
import { SegmentDocument } from '../../document/segment/segment-document.ts';
import { anySegmentPath } from '../../document/segment-paths.ts';
import { EngineError } from '../../error/engine-error.ts';
import type { Given } from '../../expression/given.ts';
import { segmentAt, segmentNamed } from '../segment-at.ts';
import type { Work } from '../work.ts';
import { readFields, readSegmentName, type StepKind } from './step-reader.ts';

/** `{ append: NTE, fields: { "1": EXPRESSION } }`: adds a segment at the end. */
export const appendStep: StepKind = {
  keys: ['append', 'fields'],
  help: 'Adds a segment at the end.',
  read(given, context) {
    const name = readSegmentName(given.at('append'), context);
    const fields = name === undefined ? undefined : readFields(given.at('fields'), name, context);
    if (name === undefined || fields === undefined) return undefined;
    return (work) => {
      segmentTarget(work, name).append(name, fields(work));
    };
  },
};

/**
 * `{ insert: NTE, after: PID, fields: … }`: adds a segment after or before another; if a loop is at
 * one with that name, it is that one. In a loop over segments without a place: after the current
 * one and what was inserted there before.
 */
export const insertStep: StepKind = {
  keys: ['insert', 'after', 'before', 'fields'],
  help: 'Adds a segment after or before another; in a loop without a place, after the current one.',
  read(given, context) {
    const name = readSegmentName(given.at('insert'), context);
    const fields = name === undefined ? undefined : readFields(given.at('fields'), name, context);
    const [after, before] = [readNeighbour(given.at('after')), readNeighbour(given.at('before'))];
    if (after !== undefined && before !== undefined) {
      given.wrong('insert takes after or before, not both.');
    }
    if (name === undefined || fields === undefined) return undefined;
    return (work) => {
      const message = segmentTarget(work, name);
      const values = fields(work);
      if (before !== undefined) message.insertBefore(neighbour(work, before), name, values);
      else if (after !== undefined) message.insertAfter(neighbour(work, after), name, values);
      else insertHere(work, message, { name, values });
    };
  },
};

function insertHere(
  { loop, target }: Work,
  message: SegmentDocument,
  { name, values }: { name: string; values: Record<string, string> },
): void {
  const behind = loop?.behind ?? segmentAt(target);
  const inserted =
    behind === undefined ? message.append(name, values) : message.insertAfter(behind, name, values);
  if (loop !== undefined) loop.behind = inserted;
}

/** The current segment, if a loop is at one with that name. */
function neighbour({ target }: Work, path: string): string | Segment {
  const { segment, index = 1 } = anySegmentPath(path) ?? { segment: '' };
  return index === 0 ? (segmentNamed(target, segment) ?? path) : path;
}

function readNeighbour(given: Given): string | undefined {
  if (given.isAbsent) return undefined;
  const path = given.text('A place');
  if (path === undefined || anySegmentPath(path)?.field === 0) return path;
  given.wrong('A place must be a segment, such as PID or OBX[2].');
  return undefined;
}

function segmentTarget({ run: { target } }: Work, name: string): SegmentDocument {
  if (target instanceof SegmentDocument) return target;
  throw new EngineError('TRANSFORM_FAILED', `${name} is a segment, but the body is ${target.kind}`);
}
