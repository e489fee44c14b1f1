import type { Line } from '../segment/line.ts';
import type { EdiDocument } from './edi-document.ts';
import { ENVELOPES, ediLoopPath } from './edi-path.ts';
import type { Loop } from './loop.ts';

/** An interchange split at the loops with an id. */
export interface EdiParts {
  readonly count: number;
  /** An interchange with the loops of these numbers, from 1, and the segments around them. */
  make(numbers: readonly number[]): EdiDocument;
}

/**
 * Splits a body at each loop with an id (`2300`) or part of the envelope (`ST`, `UNH`). A part has everything around its
 * loop: the envelope, and of each loop around its segments and those of its loops that hold none of the kind.
 */
export function ediParts(document: EdiDocument, id: string): EdiParts {
  const { found } = document;
  const lines = found.numbered();
  const loops = found.meant(ediLoopPath(id), found.root);
  const kept = new Map<Loop, readonly number[]>();
  return {
    count: loops.length,
    make(numbers) {
      const chosen = new Set<number>();
      for (const loop of numbers.flatMap((number) => loops[number - 1] ?? [])) {
        for (let at = loop.from; at < loop.until; at++) chosen.add(at);
        for (let around = loop.around; around !== undefined; around = around.around) {
          const own = kept.get(around) ?? keptOf(around, id);
          kept.set(around, own);
          for (const index of own) chosen.add(index);
        }
      }
      const ordered = [...chosen].toSorted((a, b) => a - b);
      return document.ofLines(ordered.flatMap((index): Line[] => [lines[index] as Line]));
    },
  };
}

/** Indexes of the lines of a loop, without its loops that may contain the kind. */
function keptOf({ from, until, loops }: Loop, id: string): number[] {
  const kept: number[] = [];
  let inner = 0;
  for (let index = from; index < until; index++) {
    const loop = loops[inner];
    if (loop?.from === index) {
      inner += 1;
      if (mayHold(loop, id)) {
        index = loop.until - 1;
        continue;
      }
      for (let at = loop.from; at < loop.until; at++) kept.push(at);
      index = loop.until - 1;
      continue;
    }
    kept.push(index);
  }
  return kept;
}

function mayHold(loop: Loop, id: string): boolean {
  return ENVELOPES.has(loop.id) || loop.id === id || loop.guide?.ids.has(id) === true;
}
