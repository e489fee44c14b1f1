import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { say } from '../src/cli/output.ts';
import { searchFields } from '../src/trace/search-fields.ts';
import { openTraceStore } from '../src/trace/store/open-store.ts';
import { loadOfMachine } from './machine.ts';
import { median } from './median.ts';
import { type Flood, openRig, type RigOptions } from './rig.ts';
import { SHAPES } from './shape.ts';
import { type Sustained, sustained } from './sustained.ts';
import { TraceTraffic } from './trace-traffic.ts';
import type { Effort } from './workload.ts';

/** An engine whose trace already contained messages, compared with one whose trace contained `REFERENCE` of them. */
export interface Stored {
  readonly stored: number;
  /** Alternately with those of the reference. */
  readonly floods: readonly Flood[];
  readonly reference: readonly Flood[];
  /** Medians of the rounds' ratios to the reference: 1 means no growth. */
  readonly growth: { readonly time: Ratios; readonly cpu: Ratios };
  readonly sustained?: Sustained | undefined;
  readonly loadBefore: number;
}

export interface Ratios {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

export interface StoredOptions extends RigOptions, Effort {
  /** The most messages stored before; in steps of ten from 1,000. */
  readonly stored: number;
  readonly rounds: number;
}

export const REFERENCE = 10_000;
const FEWEST = 1_000;
const BATCH = 500;
const DAY = 86_400_000;
const HOUR = 3_600_000;

export async function runStored(options: StoredOptions): Promise<Stored[]> {
  const results: Stored[] = [];
  for (let stored = FEWEST; stored <= options.stored; stored *= 10) {
    results.push(await besideReference(stored, options));
  }
  return results;
}

async function besideReference(stored: number, options: StoredOptions): Promise<Stored> {
  say(`${stored} messages stored`);
  const loadBefore = loadOfMachine();
  await using few = await openRig({ ...options, prepare: filledWith(REFERENCE) });
  await using many = await openRig({ ...options, prepare: filledWith(stored) });
  const turns = { few: [] as Flood[], many: [] as Flood[] };
  for (let round = 0; round < options.rounds; round++) {
    const order = round % 2 === 0 ? (['few', 'many'] as const) : (['many', 'few'] as const);
    for (const side of order) {
      turns[side].push(await { few, many }[side].flood(options.messages));
    }
  }
  await few[Symbol.asyncDispose]();
  const middle = median(turns.many.map(({ outboundPerSecond }) => outboundPerSecond));
  const found = await sustained(many, {
    estimate: middle / SHAPES[options.workload].copies,
    seconds: options.probeSeconds,
  });
  const growth = (value: (flood: Flood) => number): Ratios =>
    ratios(turns.many.map((flood, round) => value(flood) / value(turns.few[round] ?? flood)));
  return {
    stored,
    floods: turns.many,
    reference: turns.few,
    growth: {
      time: growth(({ outboundPerSecond }) => 1 / outboundPerSecond),
      cpu: growth(({ cpuMs }) => cpuMs.engine + cpuMs.nats),
    },
    sustained: found,
    loadBefore,
  };
}

const short = (value: number): number => Number(value.toFixed(3));

function ratios(values: readonly number[]): Ratios {
  return {
    median: short(median(values)),
    lowest: short(Math.min(...values)),
    highest: short(Math.max(...values)),
  };
}

/**
 * Fills the trace of a data folder through the store that the engine will open. Everything is of
 * today, so it is in the file being written.
 */
function filledWith(messages: number): (data: string) => Promise<void> {
  return async (data) => {
    const folder = join(data, 'trace');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const store = await openTraceStore({ production: 'bench', folder });
    // otherwise the engine would index all of it again beside the measured messages
    await store.reindex({ search: SEARCH, keys: () => [] });
    const days = Math.max(HOUR, Date.now() % DAY) / DAY;
    const traffic = new TraceTraffic({ messages, days, fields: searchFields(SEARCH) });
    for (const { inputs } of traffic.batches(BATCH)) await store.apply(inputs);
    await store.close();
  };
}

/** The search fields of the productions. */
const SEARCH = new Map([
  ['mrn', 'PID-3.1'],
  ['visit', 'PV1-19.1'],
  ['name', 'PID-5.1'],
]);
