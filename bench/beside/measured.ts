import { median } from '../median.ts';
import type { Subject } from './subject.ts';

/** How long and how often each side of a subject is measured. */
export interface Load {
  /** For which the bare client is busy in a round. */
  readonly seconds: number;
  readonly rounds: number;
  /** Instead of as many messages as that takes. */
  readonly messages?: number | undefined;
}

/** Medians of the rounds. */
export interface Pace {
  readonly perSecond: number;
  /** Microseconds of processor time; undefined where another process does the work. */
  readonly each: number | undefined;
}

export interface Measured {
  readonly what: string;
  /** Messages of a round. */
  readonly messages: number;
  /** Rate of the adapter by that of the bare client in the same round: their median and their ends. */
  readonly ratio: number;
  readonly lowest: number;
  readonly highest: number;
  readonly bare: Pace;
  readonly adapter: Pace;
  readonly isLess: boolean;
}

/** Where the search for the number of messages begins, and where it ends. */
const FEWEST = 200;
const MOST = 60_000;
/** Below this the rounds are doubled: noise shall not decide whether a subject is short. */
const NEAR = 0.85;

/** How many messages the bare client takes these milliseconds for. It is warm after this. */
async function enough(
  { prepare, bare, most = MOST }: Subject,
  wanted: number,
  alive: () => void,
): Promise<number> {
  for (let messages = FEWEST; ; ) {
    await prepare?.(messages);
    const { milliseconds } = await bare(messages);
    alive();
    const missing = wanted / milliseconds;
    if (missing < 1.2 || messages >= most)
      return Math.max(20, Math.min(most, Math.ceil(messages * missing)));
    messages = Math.min(most, Math.ceil(messages * Math.min(missing, 8)));
  }
}

class Rounds {
  readonly #rates: number[] = [];
  readonly #costs: number[] = [];
  readonly #messages: number;

  constructor(messages: number) {
    this.#messages = messages;
  }

  add({ milliseconds, processor }: Awaited<ReturnType<Subject['bare']>>): void {
    this.#rates.push((this.#messages * 1_000) / milliseconds);
    if (processor !== undefined) this.#costs.push((processor * 1_000) / this.#messages);
  }

  /** By those of the other side, in order. */
  by(other: Rounds): number[] {
    return this.#rates
      .map((rate, round) => rate / (other.#rates[round] ?? rate))
      .toSorted((one, another) => one - another);
  }

  get pace(): Pace {
    const each = this.#costs.length === 0 ? undefined : median(this.#costs);
    return { perSecond: median(this.#rates), each };
  }
}

/**
 * Both sides in every round, so that other work on the machine affects both; each is first equally often. `alive` is called
 * after each turn of a side.
 */
export async function measured(subject: Subject, load: Load, alive: () => void): Promise<Measured> {
  const { what, prepare, isLess = false } = subject;
  const messages = load.messages ?? (await enough(subject, load.seconds * 1_000, alive));
  const sides = { bare: new Rounds(messages), adapter: new Rounds(messages) };
  const order = ['bare', 'adapter'] as const;
  const ratios = (): number[] => sides.adapter.by(sides.bare);
  const isNear = (): boolean => !isLess && median(ratios()) < NEAR;
  // the first round warms up
  const wanted = (round: number): boolean =>
    round < load.rounds || (round < load.rounds * 2 && isNear());
  for (let round = -1; wanted(round); round++) {
    for (const side of round % 2 === 0 ? order : order.toReversed()) {
      await prepare?.(messages);
      const spent = await subject[side](messages);
      alive();
      if (round >= 0) sides[side].add(spent);
    }
  }
  const [bare, adapter] = [sides.bare.pace, sides.adapter.pace];
  const [lowest = 0, ...others] = ratios();
  const highest = others.at(-1) ?? lowest;
  return { what, messages, ratio: median(ratios()), lowest, highest, bare, adapter, isLess };
}
