import { table } from '../src/cli/output.ts';
import type { Run } from './rig.ts';
import type { WorkloadResult } from './workload.ts';

/** The figures of a load, as columns of a table. */
export const FIGURES = [
  'ACK p50 ms',
  'p99',
  'end to end p50 ms',
  'p99',
  'CPU ms engine',
  'nats',
  'RSS MiB engine',
  'nats',
];
const HEAD = ['', 'messages/s', ...FIGURES];

/** A workload's figures for a person, the sustained rate first. */
export function resultText(result: WorkloadResult): string {
  const { workload, connections, durability, sustained, flood, paced } = result;
  const { baseline, sockets, least, together } = result;
  const rows = [HEAD];
  if (sustained !== undefined) rows.push(row('sustained', sustained.perSecond, sustained));
  else if (paced === undefined) rows.push(['sustained', 'none was found']);
  if (paced !== undefined) rows.push(row('paced', paced.rate, paced));
  if (flood !== undefined) {
    rows.push(row('flood, in', flood.inboundPerSecond, flood));
    rows.push(['flood, out', String(flood.outboundPerSecond)]);
  }
  rows.push(['bare client (a)', String(baseline.perSecond), String(baseline.ackMs)]);
  rows.push(['bare sockets (b)', String(sockets.perSecond), String(sockets.ackMs)]);
  if (least !== undefined)
    rows.push(['least engine (c)', String(least.perSecond), String(least.ackMs)]);
  if (together !== undefined)
    rows.push(['the same, storing together', String(together.perSecond), String(together.ackMs)]);
  return [
    `${workload.toUpperCase()}  ${connections} connections, ${durability}`,
    table(rows),
    [...ratios(result), ...conditions(result)].join('; '),
    '',
  ].join('\n');
}

function row(name: string, perSecond: number, run: Run): string[] {
  const { ackMs, endToEndMs, cpuMs, rssMiB } = run;
  return [
    name,
    ...[perSecond, ackMs.p50, ackMs.p99, endToEndMs.p50, endToEndMs.p99].map(String),
    ...[cpuMs.engine, cpuMs.nats, rssMiB.engine, rssMiB.nats].map(String),
  ];
}

function ratios({ sustained, flood, paced, baseline, least }: WorkloadResult): string[] {
  const to = (name: string, value: number): string =>
    `${name} ${(value / baseline.perSecond).toFixed(2)}`;
  return [
    ...(sustained === undefined ? [] : [to('sustained / (a)', sustained.perSecond)]),
    ...(flood === undefined
      ? []
      : [to('in / (a)', flood.inboundPerSecond), to('out / (a)', flood.outboundPerSecond)]),
    ...(flood === undefined || least === undefined
      ? []
      : [`out / (c) ${(flood.outboundPerSecond / least.perSecond).toFixed(2)}`]),
    ...(paced === undefined
      ? []
      : [`ACK p50 ${(paced.ackMs.p50 / baseline.ackMs).toFixed(2)} × one durable publish`]),
    ...(paced?.growth.grows === true ? ['the queue GREW at this rate'] : []),
  ];
}

function conditions({ startMs, loadBefore, ...result }: WorkloadResult): string[] {
  const others = (result.sustained ?? result.paced ?? result.flood)?.others;
  return [
    `ready after ${startMs} ms`,
    `load ${loadBefore} before it began`,
    ...(others === undefined
      ? []
      : [`others took ${Math.round(others * 100)} % of the processors meanwhile`]),
  ];
}
