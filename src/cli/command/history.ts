import { Command, Option } from 'commander';
import { askControl, orderAll } from '../../control/control.ts';
import { COMMAND_LINE } from '../../control/orders.ts';
import { ENGINE } from '../../control/verbs.ts';
import { describeDifference } from '../../definition/difference.ts';
import { describeProblem } from '../../definition/problem.ts';
import { orderedBy, type WhereOptions, whereOptions, withBroker } from '../connect.ts';
import { print, table } from '../output.ts';

/** Milliseconds for a check of two states of the files. */
const CHECK_LIMIT = 65_000;

export function historyCommand(): Command {
  return whereOptions(new Command('history'))
    .description('Lists what was applied: when, by whom, why; or what a version changes.')
    .argument('[version]', 'shows what would change if this version ran instead of what runs')
    .option('--json', 'as JSON')
    .action(history);
}

async function history(
  version: string | undefined,
  flags: WhereOptions & { readonly json?: boolean },
): Promise<void> {
  await withBroker(flags, async (broker) => {
    if (version !== undefined) {
      const order = { before: 'running', after: version };
      const checked = await askControl(broker, ENGINE.checkFiles, order, { timeout: CHECK_LIMIT });
      if (flags.json === true) return print(JSON.stringify(checked));
      for (const problem of checked.problems) print(describeProblem(problem));
      const { difference } = checked;
      if (difference !== undefined) for (const line of describeDifference(difference)) print(line);
      return undefined;
    }
    const versions = await askControl(broker, ENGINE.history, null);
    if (flags.json === true) return print(JSON.stringify(versions));
    return print(
      table([
        ['version', 'when', 'by', 'how', 'commit', 'reason'],
        ...versions.map(({ version: name, at, by, origin, commit, reason = '' }) => [
          name,
          new Date(at).toISOString(),
          by,
          origin,
          commit === undefined ? '' : `${commit.id.slice(0, 10)}${commit.changed ? '+' : ''}`,
          reason,
        ]),
      ]),
    );
  });
}

interface RollBackFlags extends WhereOptions {
  readonly reason: string;
  readonly leaveWaiting?: boolean;
  readonly json?: boolean;
}

export function rollBackCommand(): Command {
  return whereOptions(new Command('roll-back'))
    .description(
      'Writes the files of a version that was applied before, and applies them. What lay on disk is kept in the history.',
    )
    .argument('<version>', 'as waybill history names it')
    .addOption(new Option('--reason <text>', 'why, for the history').makeOptionMandatory())
    .option('--leave-waiting', 'removes hosts although messages wait for them')
    .option('--json', 'as JSON')
    .action(rollBack);
}

async function rollBack(version: string, flags: RollBackFlags): Promise<void> {
  const { reason, leaveWaiting } = flags;
  await withBroker(flags, async (broker) => {
    const order = { version, reason, leaveWaiting, by: orderedBy(), via: COMMAND_LINE } as const;
    const [changed] = await orderAll(broker, ENGINE.changeFiles, order);
    if (flags.json === true) return print(JSON.stringify(changed));
    for (const path of changed.written) print(`wrote ${path}`);
    return print(`${changed.version} runs`);
  });
}
