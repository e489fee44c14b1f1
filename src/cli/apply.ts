import { resolve } from 'node:path';
import { Command } from 'commander';
import { COMMAND_LINE, orderAll } from '../broker/control.ts';
import { type Difference, describeDifference } from '../production/difference.ts';
import { type WhereOptions, withBroker } from './connect.ts';
import { print } from './output.ts';
import { orderedBy, whereOptions } from './where.ts';

interface ApplyFlags extends WhereOptions {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function applyCommand(): Command {
  return whereOptions(new Command('apply'))
    .description(
      'Shows how the files of a running production differ from what runs, then changes it; only changed hosts restart.',
    )
    .argument('[production]', 'its folder, as a check that the right one is meant')
    .option('--dry-run', 'only show the difference')
    .option('--json', 'as JSON')
    .action(apply);
}

async function apply(folder: string | undefined, flags: ApplyFlags): Promise<void> {
  const request = {
    dryRun: flags.dryRun === true,
    by: orderedBy(),
    via: COMMAND_LINE,
    folder: folder === undefined ? undefined : resolve(folder),
  };
  const [difference] = await withBroker(flags, (broker) =>
    orderAll<Difference>(broker, 'reload', request),
  );
  if (flags.json === true) return print(JSON.stringify(difference));
  for (const line of describeDifference(difference)) print(line);
  if (flags.dryRun !== true) print('applied');
}
