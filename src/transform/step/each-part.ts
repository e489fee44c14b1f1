import type { Document } from '../../document/document.ts';
import { Part, type PartList } from '../../expression/part.ts';
import { doSteps, type Step, type Work } from '../work.ts';
import { type LoopBody, notOfKind } from './loop-body.ts';

/**
 * Loops over the parts of a list in the message as it came: repetitions of a field, elements, rows. In
 * the loop, paths of the list mean the part at hand, for reading and for writing. A part that a step
 * removes moves up the later ones; where the new message began empty, each turn that writes makes a new one.
 */
export function eachPart(list: PartList, { when, steps }: LoopBody): Step['run'] {
  return (work) => {
    const { run, scope, loop } = work;
    const source = scope.document();
    if (source.kind !== list.kind) throw notOfKind(list.over, list.kind, source.kind);
    const targetAt = counterparts(work, list);
    let turn = 0;
    for (const number of list.numbers(source)) {
      if (run.discarded) return;
      const part = new Part(source, list, () => number);
      const inner = { message: scope.message, document: () => part };
      if (when !== undefined && !when.evaluate(inner)) continue;
      doSteps(steps, { run, scope: inner, target: targetAt(number), loop, turn: ++turn });
    }
  };
}

function counterparts({ run, target }: Work, list: PartList): (number: number) => Document {
  if (target.kind !== list.kind) return () => target;
  if (run.start === 'empty') {
    return () => {
      let made: number | undefined;
      return new Part(target, list, () => {
        made ??= (list.numbers(target).at(-1) ?? 0) + 1;
        return made;
      });
    };
  }
  let gone = 0;
  return (number) => {
    const here = number - gone;
    return new Part(
      target,
      list,
      () => here,
      () => gone++,
    );
  };
}
