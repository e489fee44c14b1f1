import { Command } from 'commander';
import { askControl } from '../control/control.ts';
import type { PurgeOrder } from '../control/orders.ts';
import { PLANE } from '../control/verbs.ts';
import { EngineError } from '../error/engine-error.ts';
import { describeDuration, milliseconds } from '../time/duration.ts';
import { describeSize } from '../time/size.ts';
import type { PurgeReport } from '../trace/trace-store.ts';
import { type WhereOptions, withBroker } from './connect.ts';
import { print, table } from './output.ts';
import { orderedBy, whereOptions } from './where.ts';

interface PurgeFlags extends WhereOptions {
  readonly olderThan?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** A purge of a large store takes its time. */
const TIMEOUT = 3_600_000;
const SHOWN = 20;

export function purgeCommand(): Command {
  return whereOptions(new Command('purge'))
    .description(
      'Removes whole days from the trace that are settled and past their time, and says what stayed and why.',
    )
    .option('--older-than <time>', "such as 30d, in place of the production's settings.keep")
    .option('--dry-run', 'removes nothing, and says what would go')
    .option('--json', 'as JSON')
    .action(purge);
}

async function purge({ olderThan, dryRun = false, ...flags }: PurgeFlags): Promise<void> {
  const keep = olderThan === undefined ? undefined : timeOf(olderThan);
  const order: PurgeOrder = { dryRun, by: orderedBy(), ...(keep !== undefined && { keep }) };
  const report = await withBroker(flags, (broker) =>
    askControl(broker, PLANE.purge, order, { timeout: TIMEOUT }),
  );
  if (flags.json === true) print(JSON.stringify(report));
  else for (const line of describe(report, dryRun)) print(line);
}

function timeOf(text: string): number {
  const time = milliseconds(text);
  if (time !== undefined && Number.isFinite(time)) return time;
  throw new EngineError('QUERY_INVALID', `${text} is no time such as 30d or 12h`);
}

const count = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`;

function describe(report: PurgeReport, dryRun: boolean): string[] {
  const { removed, kept, keptSessions, released, bodiesRemoved } = report;
  const sum = (of: (day: PurgeReport['removed'][number]) => number): number =>
    removed.reduce((total, day) => total + of(day), 0);
  const days = removed.map(({ day, messages, bytes, because }) => [
    day,
    String(messages),
    describeSize(bytes),
    because === 'age' ? 'past its time' : 'the store is full',
  ]);
  const verb = dryRun ? 'would be removed' : 'removed';
  const lines = removed.length === 0 ? [] : [table([['day', 'messages', 'size', ''], ...days])];
  lines.push(
    `${count(removed.length, 'day')} with ${count(
      sum(({ messages }) => messages),
      'message',
    )} ${verb}, ${describeSize(sum(({ bytes }) => bytes))} ${dryRun ? 'would be freed' : 'freed'}`,
  );
  if (released > 0) {
    lines.push(`${count(released, 'session')} kept longer until now ${verb}, being settled`);
  }
  if (bodiesRemoved > 0)
    lines.push(`${count(bodiesRemoved, 'large message body', 'large message bodies')} ${verb}`);
  if (keptSessions > 0) lines.push(`${count(keptSessions, 'session')} of such days kept:`);
  if (kept.length > 0) lines.push(keptTable(kept));
  return lines;
}

function keptTable(kept: PurgeReport['kept']): string {
  const now = Date.now();
  const rows = kept
    .slice(0, SHOWN)
    .map(({ messageId, host, reason, since }) => [
      String(messageId),
      host,
      reason,
      describeDuration(Math.max(0, now - since)),
    ]);
  const more = kept.length > SHOWN ? [[`… ${kept.length - SHOWN} more`]] : [];
  return table([['message', 'host', 'because', 'for'], ...rows, ...more]);
}
