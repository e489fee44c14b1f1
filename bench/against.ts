import { say, table } from '../src/cli/output.ts';
import { median } from './median.ts';
import type { Paced, RigOptions } from './rig.ts';
import { type Effort, type Measured, measureEngine } from './workload.ts';

/** The same workload with the engines of two checkouts, by turns, a round each. */
export interface Comparison {
  readonly other: readonly Turn[];
  readonly own: readonly Turn[];
}

/** What one engine did, started afresh: as a plain run, and at the rate that both are given. */
export interface Turn extends Measured {
  readonly even?: Paced | undefined;
}

export interface AgainstOptions extends RigOptions, Effort {
  readonly checkout: string;
  readonly rounds: number;
}

/** The rate that both are given, as a share of what the first engine sustained. */
const EVEN = 0.5;
const EVEN_PROBES = 2;

/**
 * Measures both engines with this checkout's load, so that they differ in nothing else: B A, A B, … so that neither
 * always comes second.
 */
export async function against(options: AgainstOptions): Promise<Comparison> {
  const { checkout, rounds, workload, connections, probeSeconds } = options;
  const turns = { other: [] as Turn[], own: [] as Turn[] };
  let rate: number | undefined;
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? (['other', 'own'] as const) : (['own', 'other'] as const);
    for (const side of order) {
      say(`${workload}, ${connections} connections, round ${round + 1}: ${side}`);
      let even: Paced | undefined;
      const of = { ...options, checkout: side === 'other' ? checkout : undefined };
      const measured = await measureEngine(of, async (rig, { sustained }) => {
        rate ??= sustained && sustained.perSecond * EVEN;
        if (rate !== undefined) even = await rig.paced(rate, probeSeconds * EVEN_PROBES);
      });
      turns[side].push({ ...measured, even });
    }
  }
  return turns;
}

type Figure = readonly [name: string, value: (turn: Turn) => number | undefined];

const FIGURES: readonly Figure[] = [
  ['sustained /s', ({ sustained }) => sustained?.perSecond],
  ['flood, in /s', ({ flood }) => flood?.inboundPerSecond],
  ['flood, out /s', ({ flood }) => flood?.outboundPerSecond],
  ['CPU ms, flood: engine', ({ flood }) => flood?.cpuMs.engine],
  ['CPU ms, flood: nats', ({ flood }) => flood?.cpuMs.nats],
  ['CPU ms, flood: both', ({ flood }) => flood && flood.cpuMs.engine + flood.cpuMs.nats],
  ['CPU ms, same rate: both', (turn) => both(turn)],
  ['ACK p50 ms, same rate', (turn) => atRate(turn)?.ackMs.p50],
  ['ACK p99 ms, same rate', (turn) => atRate(turn)?.ackMs.p99],
  ['end to end p50 ms, same rate', (turn) => atRate(turn)?.endToEndMs.p50],
  ['end to end p99 ms, same rate', (turn) => atRate(turn)?.endToEndMs.p99],
  ['RSS MiB: engine', (turn) => (turn.flood ?? turn.paced)?.rssMiB.engine],
  ['RSS MiB: nats', (turn) => (turn.flood ?? turn.paced)?.rssMiB.nats],
  ['ready after ms', ({ startMs }) => startMs],
];

const atRate = ({ even, paced }: Turn): Paced | undefined => paced ?? even;

function both(turn: Turn): number | undefined {
  const run = atRate(turn);
  return run && run.cpuMs.engine + run.cpuMs.nats;
}

/** Medians of both, and the median, lowest and highest of the ratios of each round; 1 is as before. */
export function comparisonText(comparison: Comparison): string {
  const [first] = comparison.own;
  const rate = first && atRate(first)?.rate;
  const rows = FIGURES.flatMap(([name, value]) => {
    const ratios = ratiosOf(comparison, value);
    if (ratios.length === 0) return [];
    const middle = (turns: readonly Turn[]): string =>
      tidy(median(turns.flatMap((turn) => value(turn) ?? [])));
    const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
    const { other, own } = comparison;
    return [[name, middle(other), middle(own), median(ratios).toFixed(2), spread]];
  });
  const head = `${first?.workload.toUpperCase()}  ${first?.connections} connections, ${first?.durability}, ${comparison.own.length} rounds`;
  return [
    rate === undefined ? head : `${head}; same rate: ${rate}/s`,
    table([['', 'other', 'this', 'this / other', 'of each round'], ...rows]),
    '',
  ].join('\n');
}

/** This by the other, of each round in which both have the figure. */
function ratiosOf({ own, other }: Comparison, value: Figure[1]): number[] {
  return own.flatMap((turn, round) => {
    const [mine, before] = [value(turn), other[round] && value(other[round])];
    return mine === undefined || before === undefined || before === 0 ? [] : [mine / before];
  });
}

const tidy = (value: number): string => String(Number(value.toPrecision(4)));
