import { Command } from 'commander';
import { askAll } from '../control/control.ts';
import type { HostReport, WaitingMessages } from '../control/engine-report.ts';
import { ENGINE } from '../control/verbs.ts';
import { leftText } from '../engine/left-queues.ts';
import { lostText } from '../log/events.ts';
import { describeDuration } from '../time/duration.ts';
import { type WhereOptions, withBroker } from './connect.ts';
import { print, table } from './output.ts';
import { whereOptions } from './where.ts';

export function statusCommand(): Command {
  return whereOptions(new Command('status'))
    .description('Shows the hosts of a running production, their connections and queues.')
    .option('--json', 'as JSON')
    .action(status);
}

async function status(flags: WhereOptions & { readonly json?: boolean }): Promise<void> {
  const reports = await withBroker(flags, (broker) => askAll(broker, ENGINE.status, null));
  if (flags.json === true) return print(JSON.stringify(reports));
  for (const report of reports.toSorted((a, b) => a.engine - b.engine)) {
    print(
      `${report.production} (${report.title}), engine ${report.engine}, up ${since(report.started)}`,
    );
    print(
      table([
        ['host', 'kind', 'state', 'queue', 'oldest', 'messages', 'connection'],
        ...report.hosts.map(row),
      ]),
    );
    for (const { host, waiting } of report.hosts) {
      if (waiting !== undefined) print(waitingText(host, waiting));
    }
    for (const { oldest, ...left } of report.left) {
      const age = oldest === undefined ? '' : `, the oldest for ${since(oldest)}`;
      print(
        `${leftText(left)}${age}: the production has no such host any longer, and they stay until it has it again`,
      );
    }
    for (const { host, ...range } of report.lost ?? []) print(`LOST: ${lostText(host, range)}`);
  }
  if (reports.length === 0) print('no engine answers: the production is not running');
}

function row(host: HostReport): string[] {
  const { queue } = host;
  return [
    host.host,
    host.kind,
    stateText(host),
    queue === undefined ? '' : String(queue.depth),
    queue?.oldest === undefined ? '' : since(queue.oldest),
    String(host.messages),
    connectionText(host),
  ];
}

function waitingText(host: string, { count, next }: WaitingMessages): string {
  const what = count === 1 ? '1 message waits' : `${count} messages wait`;
  if (next === undefined) return `${host}: ${what} for an answer`;
  const left = describeDuration(Math.max(0, next - Date.now()));
  return `${host}: ${what} for a time or an answer; the next goes on in ${left} at the latest`;
}

function stateText({ kind, state, queue, switchedOff, overrides }: HostReport): string {
  if (kind === 'process' && queue === undefined) return 'inline';
  const set = overrides.map(({ kind: what, level, by, until }) => {
    return ` (${what}${level === undefined ? '' : ` ${level}`} by ${by}, ${describeDuration(until - Date.now())} more)`;
  });
  if (switchedOff === undefined || state === 'running') return `${state}${set.join('')}`;
  return `off (${switchedOff.by}: ${switchedOff.reason})${set.join('')}`;
}

function connectionText({ retrying, detail, connection, lastError }: HostReport): string {
  if (retrying === undefined) return detail ?? connection ?? '';
  const wait = describeDuration(Math.max(0, retrying.next - Date.now()));
  return `try ${retrying.attempt} failed: ${lastError?.text ?? ''}; again in ${wait}`;
}

const since = (time: number): string => describeDuration(Math.max(0, Date.now() - time));
