import { Command } from 'commander';
import { askControl } from '../control/control.ts';
import { PLANE } from '../control/verbs.ts';
import { EngineError } from '../error/engine-error.ts';
import { type WhereOptions, withBroker } from './connect.ts';
import { print } from './output.ts';
import { orderedBy, whereOptions } from './where.ts';

interface AbortFlags extends WhereOptions {
  readonly keep?: boolean;
  readonly reason: string;
  readonly json?: boolean;
}

export function abortCommand(): Command {
  return whereOptions(new Command('abort'))
    .description(
      'Takes a message out of its queue, or ends its tries; what waits behind it goes on.',
    )
    .argument('<message>', 'its id')
    .option('--keep', 'set it aside as suspended, to be resent, instead of discarding it')
    .option('--reason <text>', 'why, for the trace and the audit log', 'aborted by hand')
    .option('--json', 'as JSON')
    .action(abort);
}

async function abort(message: string, { keep = false, ...flags }: AbortFlags): Promise<void> {
  const id = Number(message);
  if (!Number.isSafeInteger(id))
    throw new EngineError('NOT_FOUND', `${message} is not a message id`);
  const done = await withBroker(flags, (broker) =>
    askControl(
      broker,
      PLANE.abort,
      { id, keep, by: orderedBy(), reason: flags.reason },
      { timeout: 60_000 },
    ),
  );
  print(
    flags.json === true
      ? JSON.stringify(done)
      : `message ${id} will not go to ${done.target}: ${done.status}`,
  );
}
