import type { PartList } from '../../expression/part.ts';
import { delimitedRows, jsonElements, repetitionList } from '../../expression/part.ts';
import { repetitionNumbers } from '../repetition-numbers.ts';
import type { Step } from '../work.ts';
import { eachElement, eachPart, eachRepetition } from './each-part.ts';
import { eachSegment } from './each-segment.ts';
import { eachXmlElement } from './each-xml.ts';
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
    if (over === 'rows' && context.around.includes('rows')) {
      given.at('each').wrong('A row has no rows in it: this loop stands in one over rows already.');
    }
    context.around.push(over ?? '');
    const when = given.at('when').condition();
    const steps = context.steps(given.at('steps'), label);
    context.around.pop();
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

// The arrays on the way to one: those at `/orders/*/items` lie in the elements of `/orders`.
function jsonLists(over: string): readonly PartList[] {
  const keys = over.split('/');
  const stars = keys.flatMap((key, at) => (key === '*' ? [keys.slice(0, at).join('/')] : []));
  return [...stars, over].map(jsonElements);
}

function loopOver(over: string, body: LoopBody, context: StepContext): Step['run'] | undefined {
  if (over === 'rows') return eachPart(delimitedRows, body);
  if (over.startsWith('/')) {
    const [json, xml] = [eachElement(jsonLists(over), body), eachXmlElement(over, body)];
    return (work) => (work.run.source.kind === 'xml' ? xml : json)(work);
  }
  if (over.startsWith('./')) return eachXmlElement(over, body);
  const path = asHl7Path(over);
  if (path === undefined || path.component > 0 || path.repetition !== 0) return undefined;
  if (path.field > 0) {
    const list = repetitionList(over, (document) => repetitionNumbers(document, over));
    context.loops();
    return path.index > 0 ? eachPart(list, body) : eachRepetition(list, path.segment, body);
  }
  if (path.index !== 0) return undefined;
  context.loops();
  return eachSegment(path.segment, body);
}
