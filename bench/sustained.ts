import { say } from '../src/cli/output.ts';
import { highestRate } from './highest-rate.ts';
import type { Paced, Rig } from './rig.ts';

/** The highest rate at which messages arrive as fast as they come. */
export interface Sustained extends Paced {
  /** Messages a second that come in. */
  readonly perSecond: number;
  /** How many runs found it. */
  readonly probes: number;
}

export interface SustainedOptions {
  /** Messages a second from which the search begins. */
  readonly estimate: number;
  /** Seconds of each probe; the rate that was found is then held for three times as long. */
  readonly seconds: number;
}

/** How near the highest rate that holds and the lowest that does not come. */
const WITHIN = 1.04;
const LONGER = 3;
/** What does not hold for longer is lowered by so much, down to half. */
const LOWER = 1.08;
/** Other work on the machine makes a rate fail that holds, and none hold that does not: one that fails is tried again. */
const TRIES = 2;

/** Finds the highest rate that holds and measures what it is like; undefined if no rate does. */
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
