import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Durability } from '../src/broker/embedded/nats-server.ts';
import { say } from '../src/cli/output.ts';
import { machine } from './machine.ts';
import type { Report, Share } from './report-data.ts';
import { reportPage } from './report-page.ts';
import { resultText } from './result-text.ts';
import type { Rig, RigOptions } from './rig.ts';
import type { WorkloadName } from './shape.ts';
import { runStored } from './stored.ts';
import type { Sustained } from './sustained.ts';
import { type Effort, runWorkload, type WorkloadResult } from './workload.ts';

export interface ReportOptions extends Effort {
  readonly workloads: readonly WorkloadName[];
  readonly connections: readonly number[];
  readonly durability: Durability;
  /** The most messages in the trace before a run. */
  readonly stored: number;
  readonly rounds: number;
}

const DATA = join(import.meta.dirname, 'report.json');
const PAGE = join(import.meta.dirname, 'report.html');

/** Fractions of the sustained rate at which latency is shown. */
const SHARES = [0.1, 0.25, 0.5, 0.75, 0.9];
/** The number of connections for everything that is not about connections. */
const USUAL = 10;

/** Measures everything for the page, writes bench/report.json, then the page. */
export async function makeReport(options: ReportOptions): Promise<void> {
  const results: WorkloadResult[] = [];
  const shares: Share[] = [];
  const made = new Date().toISOString().slice(0, 10);
  const about = { made, version: await versionOf(), machine: machine() };
  const usual = options.connections.includes(USUAL) ? USUAL : (options.connections[0] ?? USUAL);
  for (const workload of options.workloads) {
    for (const connections of options.connections) {
      const of = { ...options, workload, connections };
      const alsoShares = connections === usual ? partsInto(shares, of) : undefined;
      const result = await runWorkload(of, alsoShares);
      say(resultText(result));
      results.push(result);
      // a run of half an hour that ends early keeps its results
      await keep({ ...about, results, shares });
    }
  }
  const workload = options.workloads.includes('t2') ? 't2' : (options.workloads[0] ?? 't2');
  const of = { ...options, workload, connections: usual };
  const { connections, messages } = of;
  const stored = { workload, connections, messages, steps: await runStored(of) };
  await keep({ ...about, results, shares, stored });
  await renderReport();
}

async function keep(report: Report): Promise<void> {
  await writeFile(DATA, `${JSON.stringify(report, undefined, 2)}\n`);
}

/** Writes the page again from the stored measurements. */
export async function renderReport(): Promise<void> {
  const report = JSON.parse(await readFile(DATA, 'utf8')) as Report;
  await writeFile(PAGE, await reportPage(report));
  say('bench/report.html is written');
}

/** Holds fractions of the rate that an engine sustained, on the same engine. */
function partsInto(
  shares: Share[],
  { workload, connections, probeSeconds }: RigOptions & Effort,
): (rig: Rig, sustained: Sustained | undefined) => Promise<void> {
  return async (rig, sustained) => {
    if (sustained === undefined) return;
    for (const share of SHARES) {
      const run = await rig.paced(sustained.perSecond * share, probeSeconds);
      shares.push({ workload, connections, share, run });
    }
  };
}

async function versionOf(): Promise<string> {
  const text = await readFile(join(import.meta.dirname, '../package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
