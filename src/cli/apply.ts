import { realpath } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { orderAll } from '../control/control.ts';
import { COMMAND_LINE, type Reloaded, type ReloadOrder } from '../control/orders.ts';
import { ENGINE } from '../control/verbs.ts';
import { describeReload, messagesWaiting } from '../engine/reloaded.ts';
import { type WhereOptions, withBroker } from './connect.ts';
import { print } from './output.ts';
import { orderedBy, whereOptions } from './where.ts';

interface ApplyFlags extends WhereOptions {
  readonly dryRun?: boolean;
  readonly leaveWaiting?: boolean;
  readonly json?: boolean;
}

export function applyCommand(): Command {
  return whereOptions(new Command('apply'))
    .description(
      'Shows how the files of a running production differ from what runs, then changes it; only changed hosts restart.',
    )
    .argument('[production]', 'its folder, as a check that the right one is meant')
    .option('--dry-run', 'only show the difference')
    .option(
      '--leave-waiting',
      'takes hosts out although messages wait for them: they stay until the production has the host again',
    )
    .option('--json', 'as JSON')
    .action(apply);
}

async function apply(folder: string | undefined, flags: ApplyFlags): Promise<void> {
  const request = {
    by: orderedBy(),
    via: COMMAND_LINE,
    folder: folder === undefined ? undefined : await realpath(folder),
  } as const;
  await withBroker(flags, async (broker) => {
    const order = async (more: Pick<ReloadOrder, 'dryRun' | 'expected' | 'leaveWaiting'>) =>
      (await orderAll(broker, ENGINE.reload, { ...request, ...more }))[0];
    const shown = await order({ dryRun: true });
    if (flags.json !== true) for (const line of describeReload(shown)) print(line);
    if (flags.dryRun === true)
      return flags.json === true ? print(JSON.stringify(shown)) : undefined;
    const leaveWaiting = flags.leaveWaiting === true || (await mayLeave(shown.waiting, flags));
    const applied = await order({ dryRun: false, expected: shown.version, leaveWaiting });
    print(flags.json === true ? JSON.stringify(applied) : 'applied');
  });
}

/** Asks whoever sits there whether messages may be left without their host; refuses where nobody does. */
async function mayLeave(
  waiting: Reloaded['waiting'],
  { json }: Pick<ApplyFlags, 'json'>,
): Promise<boolean> {
  if (waiting.length === 0) return false;
  const refusal = messagesWaiting(waiting);
  if (json === true || !process.stdin.isTTY) throw refusal;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${refusal.message}.\nTake them out all the same? [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw refusal;
    return true;
  } finally {
    lines.close();
  }
}
