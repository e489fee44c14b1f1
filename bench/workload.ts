import type { Durability } from '../src/broker/embedded/nats-server.ts';
import { type Baseline, bareClient, bareSockets } from './baseline.ts';
import { type Least, leastEngine } from './least-engine.ts';
import { loadOfMachine } from './machine.ts';
import { type Flood, openRig, type Paced, type Rig, type RigOptions } from './rig.ts';
import { SHAPES, type WorkloadName } from './shape.ts';
import { type Sustained, sustained } from './sustained.ts';

/** How long and how hard a workload is measured. */
export interface Effort {
  /** Messages of the flood, and of the baselines up to 20,000. */
  readonly messages: number;
  /** Seconds of each probe of the search for the sustained rate. */
  readonly probeSeconds: number;
  /** Messages per second, of the engine and of baselines (a) and (b), instead of flood and search. */
  readonly rate?: number | undefined;
}

export interface WorkloadResult {
  readonly workload: WorkloadName;
  readonly connections: number;
  readonly durability: Durability;
  readonly startMs: number;
  readonly sustained?: Sustained | undefined;
  readonly flood?: Flood | undefined;
  /** At the given rate. */
  readonly paced?: Paced | undefined;
  /** The load average of the machine at the beginning. */
  readonly loadBefore: number;
  /** Baseline (a): the bare client. */
  readonly baseline: Baseline;
  /** Baseline (b): the bare sockets. */
  readonly sockets: Baseline;
  /** Baseline (c), of a flood. */
  readonly least?: Least | undefined;
  /** The same where what comes meanwhile is stored as one. */
  readonly together?: Least | undefined;
}

/** Runs on the warm engine of a search before it stops. */
type Afterwards = (rig: Rig, found: Sustained | undefined) => Promise<void>;

/** Measures one workload: the baselines and the engine, one after the other, in the same run. */
export async function runWorkload(
  options: RigOptions & Effort,
  afterwards?: Afterwards,
): Promise<WorkloadResult> {
  const { workload, connections, durability, messages, probeSeconds, rate } = options;
  const loadBefore = loadOfMachine();
  const bare = { connections, messages: Math.min(messages, 20_000), rate };
  const baseline = await bareClient({ ...bare, durability });
  const sockets = await bareSockets(bare);
  const least = rate === undefined ? await leastEngine({ ...bare, durability }) : undefined;
  const together =
    rate === undefined ? await leastEngine({ ...bare, durability, together: true }) : undefined;
  await using rig = await openRig(options);
  const { startMs } = rig;
  const about = {
    workload,
    connections,
    durability,
    startMs,
    loadBefore,
    baseline,
    sockets,
    least,
    together,
  };
  if (rate !== undefined) return { ...about, paced: await rig.paced(rate, messages / rate) };
  const flood = await rig.flood(messages);
  const estimate = flood.outboundPerSecond / SHAPES[workload].copies;
  const found = await sustained(rig, { estimate, seconds: probeSeconds });
  await afterwards?.(rig, found);
  return { ...about, sustained: found, flood };
}
