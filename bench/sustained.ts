import { say } from '../src/cli/output.ts';
import { highestRate } from './highest-rate.ts';
import type { Paced, Rig } from './rig.ts';

/** The highest rate at which messages leave as fast as they come in. */
export interface Sustained extends Paced {
  /** Messages per second that come in. */
  readonly perSecond: number;
  /** How many runs were needed to find it. */
  readonly probes: number;
}

export interface SustainedOptions {
  /** Messages per second at which the search begins. */
  readonly estimate: number;
  /** Seconds of each probe; the rate found is then held for three times as long. */
  readonly seconds: number;
}

/** How close the highest sustained and the lowest unsustained rate must be. */
const WITHIN = 1.04;
const LONGER = 3;
/** A rate that is not sustained for the longer time is lowered by this much, down to half. */
const LOWER = 1.08;
/** Other work on the machine can make a sustainable rate fail but never the reverse: one that fails is tried again. */
const TRIES = 2;

/** Finds the highest sustained rate and measures at it; undefined if there is none. */
export async function sustained(
  rig: Rig,
  { estimate, seconds }: SustainedOptions,
): Promise<Sustained | undefined> {
  let probes = 0;
  const probe = async (rate: number, length: number): Promise<Paced | undefined> => {
    for (let time = 0; time < TRIES; time++) {
      probes++;
      const run = await rig.paced(rate, length);
      say(told(run));
      if (!run.growth.grows) return run;
    }
    return undefined;
  };
  let rate = await highestRate({
    estimate,
    within: WITHIN,
    holds: async (one) => (await probe(one, seconds)) !== undefined,
  });
  for (const lowest = rate / 2; rate > lowest; rate /= LOWER) {
    const held = await probe(rate, seconds * LONGER);
    if (held !== undefined) return { ...held, perSecond: Math.round(rate), probes };
  }
  return undefined;
}

function told({ rate, seconds, growth, endToEndMs }: Paced): string {
  const behind = `${(growth.share * 100).toFixed(1)} % stays behind, ${growth.slower.toFixed(2)} × slower`;
  return `  ${rate}/s for ${seconds} s: ${growth.grows ? 'grows' : 'holds'} (${behind}, end to end p50 ${endToEndMs.p50} ms)`;
}
