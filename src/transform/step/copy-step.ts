import { Hl7Document } from '../../document/hl7/hl7-document.ts';
import { EngineError } from '../../error/engine-error.ts';
import type { Given } from '../../expression/given.ts';
import { pathProblem } from '../../expression/path-problem.ts';
import { madeSegment, rawPlace } from '../raw-place.ts';
import type { Run, Step, Work } from '../work.ts';
import { asHl7Path, readPlace, type StepContext, type StepKind } from './step-reader.ts';

/**
 * `{ copy: PID-3, to: PID-2 }`: copies a field with all its repetitions and parts, or any other
 * value. `{ copy: [PID, PV1] }`: copies every segment with these names to the end of the new
 * message.
 */
export const copyStep: StepKind = {
  keys: ['copy', 'to'],
  read(given, context) {
    return given.at('to').isAbsent ? readSegments(given) : readValueCopy(given, context);
  },
};

function readValueCopy(given: Given, context: StepContext): Step['run'] | undefined {
  const from = given.at('copy').text('A path');
  const place = readPlace(given.at('to'), context);
  const problem = from === undefined ? undefined : pathProblem(from);
  if (problem !== undefined) given.at('copy').wrong(problem);
  if (from === undefined || place === undefined) return undefined;
  return (work) => copyValue(work, from, place(work));
}

function copyValue({ scope, target }: Work, from: string, to: string): void {
  const source = scope.document();
  const read = rawPlace(source, from);
  if (read !== undefined) madeSegment(target, to);
  const write = read === undefined ? undefined : rawPlace(target, to);
  if (read === undefined || write === undefined) target.set(to, source.get(from));
  else write.message.setRaw(write.path, read.message.raw(read.path));
}

function readSegments(given: Given): Step['run'] {
  const items = given.at('copy').items();
  const names = items.flatMap((item) => item.text('A segment') ?? []);
  for (const item of items) {
    const path = asHl7Path(String(item.value));
    if (path?.field !== 0 || path.index !== 0 || path.segment === 'MSH') {
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
  if (!(source instanceof Hl7Document && target instanceof Hl7Document)) {
    throw new EngineError('TRANSFORM_FAILED', `${name} is a segment, but a body is not HL7`);
  }
  const { field } = source.delimiters;
  for (const { text } of source.segments(name)) {
    target.append(name);
    const number = target.segmentCount(name);
    const fields = text.split(field).slice(1);
    for (const [index, raw] of fields.entries()) {
      if (raw !== '') target.setRaw(`${name}[${number}]-${index + 1}`, raw);
    }
  }
}
