import type { Document } from '../../document/document.ts';
import { XmlDocument } from '../../document/xml/xml-document.ts';
import { xmlElements } from '../../expression/part.ts';
import { XmlPart } from '../../expression/xml-part.ts';
import type { Step, Work } from '../work.ts';
import { counterparts } from './each-part.ts';
import { type LoopBody, notOfKind } from './loop-body.ts';
import { Turns } from './turns.ts';

/**
 * Loops over the XML elements at a path in the message as it came, whatever they stand in: `/r/c/s` goes over the
 * `s` of every `c`. Inside another such loop a path that begins as that one's, or is relative, goes
 * over those of the element at hand. Elements that a step has removed from the new message are left out.
 */
export function eachXmlElement(over: string, body: LoopBody): Step['run'] {
  return (work) => {
    const source = work.scope.document();
    const document = source instanceof XmlPart ? source.document : source;
    if (!(document instanceof XmlDocument)) throw notOfKind(over, 'xml', source.kind);
    const at = source instanceof XmlPart ? source.placeOf(over) : { node: undefined, path: over };
    const whole =
      source instanceof XmlPart && !over.startsWith('/')
        ? `${source.over}/${over.replace(/^\.\//, '')}`
        : over;
    const turns = new Turns(work, over, body);
    const targetAt = targets(work, whole);
    for (const element of document.elementsAt(at.node, at.path)) {
      if (!turns.goesOn) return;
      const target = targetAt(element);
      if (target === undefined) continue;
      const part = new XmlPart(document, element, { over: whole, around: source });
      turns.make(part, () => target, work.loop);
    }
  };
}

type Element = XmlPart['element'];

function targets(work: Work, over: string): (element: Element) => Document | undefined {
  const { run, target } = work;
  const copied = run.target;
  if (run.start === 'copy' && copied instanceof XmlDocument) {
    return (original) => {
      const element = copied.counterpart(original);
      return element && new XmlPart(copied, element, { over, around: target });
    };
  }
  const made = counterparts(work, xmlElements(over));
  return () => made(1);
}
