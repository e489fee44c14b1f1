import { Command } from 'commander';
import { type Forgotten, forgetProduction } from '../../engine/forget-production.ts';
import { leftText } from '../../engine/left-queues.ts';
import { describeSize } from '../../time/size.ts';
import { natsOptions, type WhereOptions, withBroker } from '../connect.ts';
import { print } from '../output.ts';

interface ForgetFlags extends Omit<WhereOptions, 'production'> {
  readonly dryRun?: boolean;
  readonly discardWaiting?: boolean;
  readonly json?: boolean;
}

export function forgetCommand(): Command {
  return natsOptions(new Command('forget'))
    .description(
      'Removes what a production that no longer runs has left in NATS: queues, bodies, state. Its trace stays.',
    )
    .argument('<production>', 'its name, not its folder')
    .option('--dry-run', 'removes nothing, and says what would be removed')
    .option('--discard-waiting', 'even if messages wait in it: they are lost')
    .option('--json', 'as JSON')
    .action(forget);
}

async function forget(production: string, flags: ForgetFlags): Promise<void> {
  const { dryRun = false, discardWaiting: evenWaiting = false, json = false } = flags;
  const found = await withBroker({ ...flags, production }, (broker) =>
    forgetProduction(broker, { dryRun, evenWaiting }),
  );
  if (json) print(JSON.stringify(found));
  else for (const line of describe(found, dryRun)) print(line);
}

function describe({ queues, suspended, streams, bytes }: Forgotten, dryRun: boolean): string[] {
  const gone = dryRun ? 'would be removed' : 'removed';
  return [
    ...queues.map(leftText),
    ...(suspended === 0 ? [] : [`${suspended} messages are suspended`]),
    `${gone}: ${streams.length} streams, ${describeSize(bytes)}`,
  ];
}
