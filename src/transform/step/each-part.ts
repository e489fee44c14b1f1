import type { Document } from '../../document/document.ts';
import { Part, type PartList } from '../../expression/part.ts';
import { isAtSegment } from '../segment-at.ts';
import type { Step, Work } from '../work.ts';
import { isInsideLoop, segmentsAt } from './each-segment.ts';
import { type LoopBody, notOfKind } from './loop-body.ts';
import { Turns } from './turns.ts';

/**
 * Loops over the parts of a list in the message as it came: repetitions of a field, elements, rows. In
 * the loop, paths of the list mean the part at hand, for reading and for writing. A part that a step
 * removes moves up the later ones; where the new message began empty, each turn that writes makes a new one.
 */
export function eachPart(list: PartList, body: LoopBody): Step['run'] {
  return (work) => partTurns(work, list, new Turns(work, list.over, body));
}

/** The turns over the parts of one list. */
export function partTurns(work: Work, list: PartList, turns: Turns): void {
  const source = work.scope.document();
  if (source.kind !== list.kind) throw notOfKind(list.over, list.kind, source.kind);
  const targetAt = counterparts(work, list);
  for (const number of list.numbers(source)) {
    if (!turns.goesOn) return;
    turns.make(new Part(source, list, () => number), () => targetAt(number), work.loop);
  }
}

/**
 * The turns over the repetitions of a field, of every segment of its name: those that belong to the segment
 * that a loop around is at; all of them where such segments stand before the loop's, as PID does.
 */
export function eachRepetition(list: PartList, segment: string, body: LoopBody): Step['run'] {
  return (work) => {
    const turns = new Turns(work, list.over, body);
    const source = work.scope.document();
    if (source.kind !== 'hl7' || isAtSegment(source, segment)) {
      partTurns(work, list, turns);
      return;
    }
    const from = isInsideLoop(work, segment) ? work : { ...work, loop: undefined };
    for (const at of segmentsAt(from, segment)) {
      const scope = { ...work.scope, document: () => at.source };
      partTurns({ ...work, scope, target: at.target }, list, turns);
    }
  };
}

/** The turns over the elements of a JSON array; a `*` in its path goes over those of the arrays on the way. */
export function eachElement(lists: readonly PartList[], body: LoopBody): Step['run'] {
  return (work) => {
    const turns = new Turns(work, lists.at(-1)?.over ?? '', body);
    elementTurns(work, lists, turns);
  };
}

function elementTurns(work: Work, [list, ...below]: readonly PartList[], turns: Turns): void {
  if (list === undefined) return;
  if (below.length === 0) {
    partTurns(work, list, turns);
    return;
  }
  const source = work.scope.document();
  if (source.kind !== list.kind) throw notOfKind(list.over, list.kind, source.kind);
  if (isAtPart(source, list.over)) {
    elementTurns(work, below, turns);
    return;
  }
  const targetAt = counterparts(work, list);
  for (const number of list.numbers(source)) {
    const scope = { ...work.scope, document: () => new Part(source, list, () => number) };
    elementTurns({ ...work, scope, target: targetAt(number) }, below, turns);
  }
}

function isAtPart(document: Document, over: string): boolean {
  return document instanceof Part && (document.over === over || isAtPart(document.inner, over));
}

export function counterparts({ run, target }: Work, list: PartList): (number: number) => Document {
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
