import { Command } from 'commander';
import { askControl } from '../../control/control.ts';
import type { Planned } from '../../control/orders.ts';
import { PLANE } from '../../control/verbs.ts';
import { EngineError } from '../../error/engine-error.ts';
import { describeDuration, milliseconds } from '../../time/duration.ts';
import { orderedBy, type WhereOptions, whereOptions, withBroker } from '../connect.ts';
import { print, table } from '../output.ts';

interface PlanFlags extends WhereOptions {
  readonly all?: boolean;
  readonly from?: string;
  readonly for: string;
  readonly reason: string;
  readonly json?: boolean;
}

interface UntilFlags extends WhereOptions {
  readonly for?: string;
  readonly json?: boolean;
}

/** `waybill maintenance plan|list|end`: work during which nobody is told of what it causes. */
export function maintenanceCommand(): Command {
  const command = new Command('maintenance').description(
    'Planned work on hosts: until it ends, nobody is told of the alerts that it causes.',
  );
  const sub = (name: string, description: string): Command =>
    whereOptions(command.command(name).description(description)).option('--json', 'as JSON');

  sub('plan', 'Plans work on hosts, from now or ahead; it ends by itself.')
    .argument('[hosts...]', 'the hosts that the work is about')
    .option('--all', 'the whole production, with its engines and NATS')
    .option('--from <time>', 'when it begins, ISO 8601 such as 2026-01-31T02:00; now if left out')
    .option('--for <time>', 'how long, such as 30m or 4h', '1h')
    .requiredOption('--reason <text>', 'why, for others to see')
    .action(plan);
  sub('list', 'Lists what is planned or under way.').action(list);
  sub('end', 'Ends planned work now, or changes when it ends.')
    .argument('<id>')
    .option('--for <time>', 'how long it goes on from now, such as 30m; it ends now if left out')
    .action(end);
  return command;
}

async function plan(hosts: readonly string[], flags: PlanFlags): Promise<void> {
  if (flags.all === true ? hosts.length > 0 : hosts.length === 0)
    throw new EngineError('CONFIG_INVALID', 'name the hosts that the work is about, or give --all');
  const from = flags.from === undefined ? Date.now() : timeOf(flags.from);
  const order = { hosts, from, to: from + lengthOf(flags.for), reason: flags.reason };
  show(
    [
      await withBroker(flags, (broker) =>
        askControl(broker, PLANE.plan, { ...order, by: orderedBy() }),
      ),
    ],
    flags,
  );
}

async function list(flags: WhereOptions & { readonly json?: boolean }): Promise<void> {
  show(await withBroker(flags, (broker) => askControl(broker, PLANE.planned, null)), flags);
}

async function end(given: string, flags: UntilFlags): Promise<void> {
  const id = Number(given);
  if (!Number.isSafeInteger(id))
    throw new EngineError('NOT_FOUND', `${given} is not the number of planned work`);
  const to = Date.now() + (flags.for === undefined ? 0 : lengthOf(flags.for));
  const order = { id, to, by: orderedBy() };
  show([await withBroker(flags, (broker) => askControl(broker, PLANE.planUntil, order))], flags);
}

function show(all: readonly Planned[], { json }: { readonly json?: boolean }): void {
  if (json === true) return print(JSON.stringify(all));
  if (all.length === 0) return print('no work is planned');
  print(
    table([
      ['id', 'hosts', 'from', 'until', 'by', 'reason'],
      ...all.map(({ id, hosts, from, to, by, reason }) => [
        String(id),
        hosts.length === 0 ? 'all' : hosts.join(', '),
        new Date(from).toISOString(),
        `${new Date(to).toISOString()} (${leftOf(to)})`,
        by,
        reason,
      ]),
    ]),
  );
}

const leftOf = (to: number): string =>
  to <= Date.now() ? 'over' : `in ${describeDuration(to - Date.now())}`;

function lengthOf(text: string): number {
  const time = milliseconds(text);
  if (time !== undefined && Number.isFinite(time)) return time;
  throw new EngineError('CONFIG_INVALID', `${text} is not a time; write it as 30m or 2h`);
}

function timeOf(text: string): number {
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw new EngineError('CONFIG_INVALID', `${text} is not a time such as 2026-01-31T08:00`);
}
