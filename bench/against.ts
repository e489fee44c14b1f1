import type { Durability } from '../src/broker/embedded/nats-server.ts';
import { say, table } from '../src/cli/output.ts';
import { median } from './median.ts';
import { type Flood, openRig, type Paced, type Rig, type RigOptions } from './rig.ts';
import { SHAPES, type WorkloadName } from './shape.ts';
import { type Sustained, sustained } from './sustained.ts';
import type { Effort } from './workload.ts';

/** The same workload with the engines of two checkouts. Turns of both with the same number are compared. */
export interface Comparison {
  readonly workload: WorkloadName;
  readonly connections: number;
  readonly durability: Durability;
  /** Messages a second of `even`. */
  readonly rate?: number | undefined;
  readonly other: readonly Turn[];
  readonly own: readonly Turn[];
}

/** The result of one engine, measured right before or after the other. */
export interface Turn {
  readonly startMs?: number;
  readonly sustained?: Sustained | undefined;
  readonly flood?: Flood;
  /** At the rate used for both. */
  readonly even?: Paced;
}

export interface AgainstOptions extends RigOptions, Effort {
  readonly checkout: string;
  readonly rounds: number;
  /**
   * Both do the same at the same moment instead of in turn: on a machine that others use as well they share whatever
   * disturbs, so the ratios of the pairs differ far less. Rates and times then say only how they compare. The search is
   * left out.
   */
  readonly atOnce?: boolean | undefined;
}

const SIDES = ['other', 'own'] as const;
type Side = (typeof SIDES)[number];

/** The rate used for both, as a share of the slower one's output in a flood. */
const EVEN = 0.5;
/** The flood and the even rate are run in this many parts, so that compared parts are only seconds apart. */
const PARTS = 4;

/**
 * Measures both engines with this checkout's load generator, so that nothing else differs. Each
 * round starts both again; then they alternate, B A, A B, …, so that neither is always second,
 * while the other one is idle.
 */
export async function against(options: AgainstOptions): Promise<Comparison> {
  const { workload, connections, durability } = options;
  const turns = { other: [] as Turn[], own: [] as Turn[] };
  let { rate } = options;
  const comparison = (): Comparison => ({ workload, connections, durability, rate, ...turns });
  for (let round = 0; round < options.rounds; round++) {
    say(`${workload}, ${connections} connections, round ${round + 1}`);
    rate = await oneRound(options, rate, round, turns);
    // rounds take minutes: keep the results if a later one fails
    say(comparisonText(comparison()));
  }
  return comparison();
}

/** Resolves to the rate used for both. */
async function oneRound(
  options: AgainstOptions,
  given: number | undefined,
  round: number,
  turns: Readonly<Record<Side, Turn[]>>,
): Promise<number> {
  const order = (part: number): readonly Side[] =>
    (round + part) % 2 === 0 ? SIDES : SIDES.toReversed();
  await using opened = new AsyncDisposableStack();
  const rigs = new Map<Side, Rig>();
  for (const side of order(0)) {
    const checkout = side === 'other' ? options.checkout : undefined;
    rigs.set(side, opened.use(await openRig({ ...options, checkout })));
  }
  /** Lets both do something, alternately or at once, this many times. */
  const both = async (times: number, take: (rig: Rig, side: Side) => Promise<Turn>) => {
    const one = async (side: Side): Promise<void> => {
      const rig = rigs.get(side);
      if (rig !== undefined) turns[side].push(await take(rig, side));
    };
    for (let n = 0; n < times; n++) {
      if (options.atOnce === true) await Promise.all(order(n).map(one));
      else for (const side of order(n)) await one(side);
    }
  };
  await both(1, ({ startMs }) => Promise.resolve({ startMs }));
  const { messages, probeSeconds, workload } = options;
  if (options.rate !== undefined) {
    const { rate } = options;
    await both(PARTS, async (rig) => ({ even: await rig.paced(rate, messages / rate / PARTS) }));
    return rate;
  }
  const part = Math.ceil(messages / PARTS);
  // warms up
  await both(1, async (rig) => {
    await rig.flood(part);
    return {};
  });
  await both(PARTS, async (rig) => ({ flood: await rig.flood(part) }));
  const carried = (side: Side): number => middle(turns[side], FLOOD_OUT) / SHAPES[workload].copies;
  const rate = given ?? Math.min(carried('own'), carried('other')) * EVEN;
  await both(PARTS, async (rig) => ({ even: await rig.paced(rate, probeSeconds) }));
  // a search of one would disturb that of the other
  if (options.atOnce === true) return rate;
  // last, since the faster one gets more messages
  await both(1, async (rig, side) => ({
    sustained: await sustained(rig, { estimate: carried(side), seconds: probeSeconds }),
  }));
  return rate;
}

type Value = (turn: Turn) => number | undefined;

const FLOOD_OUT: Value = ({ flood }) => flood?.outboundPerSecond;

const FIGURES: readonly (readonly [name: string, value: Value])[] = [
  ['sustained /s', (turn) => turn.sustained?.perSecond],
  ['flood, in /s', ({ flood }) => flood?.inboundPerSecond],
  ['flood, out /s', FLOOD_OUT],
  ['ACK p50 ms, flood', ({ flood }) => flood?.ackMs.p50],
  ['CPU ms, flood: engine', ({ flood }) => flood?.cpuMs.engine],
  ['CPU ms, flood: nats', ({ flood }) => flood?.cpuMs.nats],
  ['CPU ms, flood: both', ({ flood }) => flood && flood.cpuMs.engine + flood.cpuMs.nats],
  ['CPU ms, same rate: engine', ({ even }) => even?.cpuMs.engine],
  ['CPU ms, same rate: nats', ({ even }) => even?.cpuMs.nats],
  ['CPU ms, same rate: both', ({ even }) => even && even.cpuMs.engine + even.cpuMs.nats],
  ['ACK p50 ms, same rate', ({ even }) => even?.ackMs.p50],
  ['ACK p99 ms, same rate', ({ even }) => even?.ackMs.p99],
  ['end to end p50 ms, same rate', ({ even }) => even?.endToEndMs.p50],
  ['end to end p99 ms, same rate', ({ even }) => even?.endToEndMs.p99],
  ['RSS MiB, same rate: engine', ({ even }) => even?.rssMiB.engine],
  ['RSS MiB, same rate: nats', ({ even }) => even?.rssMiB.nats],
  ['ready after ms', ({ startMs }) => startMs],
];

const middle = (turns: readonly Turn[], value: Value): number =>
  median(turns.flatMap((turn) => value(turn) ?? []));

/** Medians of both, and the median, lowest and highest ratio of the pairs of turns; 1 means no change. */
export function comparisonText(comparison: Comparison): string {
  const { workload, connections, durability, rate, other, own } = comparison;
  const rows = FIGURES.flatMap(([name, value]) => {
    const ratios = ratiosOf(comparison, value);
    if (ratios.length === 0) return [];
    const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
    const medians = [tidy(middle(other, value)), tidy(middle(own, value))];
    return [[name, ...medians, median(ratios).toFixed(2), spread, String(ratios.length)]];
  });
  const head = `${workload.toUpperCase()}  ${connections} connections, ${durability}`;
  return [
    rate === undefined ? head : `${head}; same rate: ${tidy(rate)}/s`,
    table([['', 'other', 'this', 'this / other', 'of each pair', 'pairs'], ...rows]),
    '',
  ].join('\n');
}

/** This one divided by the other, for each pair in which both have the figure. */
function ratiosOf({ own, other }: Comparison, value: Value): number[] {
  return own.flatMap((turn, number) => {
    const [mine, before] = [value(turn), other[number] && value(other[number])];
    return mine === undefined || before === undefined || before === 0 ? [] : [mine / before];
  });
}

const tidy = (value: number): string => String(Number(value.toPrecision(4)));
