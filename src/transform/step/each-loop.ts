import type { Document } from '../../document/document.ts';
import { EdiDocument } from '../../document/edi/edi-document.ts';
import { LoopView } from '../../document/edi/loop-view.ts';
import { Segment } from '../../document/segment/segment.ts';
import type { Run, Step, Work } from '../work.ts';
import { type LoopBody, notOfKind } from './loop-body.ts';
import { Turns } from './turns.ts';

/**
 * Goes over the loops of an id in X12 (`2300`), and over ISA, GS and ST by `ISA/2300` and the like; inside another such loop,
 * over those in it. A loop that a step has removed from the new message is left out.
 */
export function eachLoop(over: string, body: LoopBody): Step['run'] {
  return (work) => {
    const turns = new Turns(work, over, body);
    const targetOf = targets(work);
    for (const source of loopsIn(work, over)) {
      if (!turns.goesOn) return;
      const target = targetOf(source);
      if (target !== undefined) turns.make(source, () => target);
    }
  };
}

function loopsIn({ scope }: Work, over: string): readonly LoopView[] {
  const document = scope.document();
  if (document instanceof EdiDocument) return document.loops(over);
  if (document instanceof LoopView) return document.loops(over);
  if (document instanceof Segment && document.message instanceof EdiDocument) {
    return new LoopView(document.message, document.line).loops(over);
  }
  throw notOfKind(over, 'x12', document.kind);
}

/** The same loop of the new message, where that began as a copy; else what is written stands outside of loops. */
function targets({ run, target }: Work): (source: LoopView) => Document | undefined {
  const made = run.target;
  if (!(made instanceof EdiDocument) || run.segments === undefined || run.start !== 'copy') {
    return () => target;
  }
  const numbers = new Map(run.segments.source.map(({ line }, index) => [line, index]));
  const { segments } = run;
  return (source) => {
    const line = segments.target[numbers.get(source.line) ?? -1]?.line;
    return line === undefined || !stands(run, line)
      ? undefined
      : new LoopView(made, line, source.id);
  };
}

function stands({ removed, target }: Run, line: Segment['line']): boolean {
  return !removed || (target instanceof EdiDocument && target.hasLine(line));
}
