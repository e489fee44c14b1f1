import { delimitedRows, jsonElements, repetitionList, xmlElements } from '../../expression/part.ts';
import { repetitionNumbers } from '../repetition-numbers.ts';
import type { Step } from '../work.ts';
import { eachPart } from './each-part.ts';
import { eachSegment } from './each-segment.ts';
import type { LoopBody } from './loop-body.ts';
import { asHl7Path, type StepContext, type StepKind } from './step-reader.ts';

/**
 * `{ each: OBX, when: CONDITION, steps: [ … ] }`: for every segment of a name, repetition of a field
 * (`PID-3`), element of a JSON array (`/orders`) or of XML (`/report/result`), or row (`rows`).
 */
export const eachStep: StepKind = {
  keys: ['each', 'steps'],
  ownCondition: true,
  read(given, context, label) {
    const over = given.at('each').text('each');
    const when = given.at('when').condition();
    const steps = context.steps(given.at('steps'), label);
    const loop = over === undefined ? undefined : loopOver(over, { when, steps }, context);
    if (over !== undefined && loop === undefined) {
      given
        .at('each')
        .wrong(
          'each goes over segments (OBX), repetitions of a field (PID-3), a JSON array (/orders), XML elements (/report/result) or rows.',
        );
    }
    return loop;
  },
};

function loopOver(over: string, body: LoopBody, context: StepContext): Step['run'] | undefined {
  if (over === 'rows') return eachPart(delimitedRows, body);
  if (over.startsWith('/')) {
    const [json, xml] = [eachPart(jsonElements(over), body), eachPart(xmlElements(over), body)];
    return (work) => (work.run.source.kind === 'xml' ? xml : json)(work);
  }
  const path = asHl7Path(over);
  if (path === undefined || path.component > 0 || path.repetition !== 0) return undefined;
  if (path.field > 0) {
    return eachPart(
      repetitionList(over, (document) => repetitionNumbers(document, over)),
      body,
    );
  }
  if (path.index !== 0) return undefined;
  context.loops();
  return eachSegment(path.segment, body);
}
