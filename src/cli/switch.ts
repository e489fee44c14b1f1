import { Command } from 'commander';
import { orderAll } from '../control/control.ts';
import { COMMAND_LINE } from '../control/orders.ts';
import { ENGINE } from '../control/verbs.ts';
import { type WhereOptions, withBroker } from './connect.ts';
import { print } from './output.ts';
import { orderedBy, whereOptions } from './where.ts';

export function startCommand(): Command {
  return whereOptions(new Command('start'))
    .description('Starts a host that was switched off; it stays on over restarts.')
    .argument('<host>')
    .action((host: string, flags: WhereOptions) => order('start', host, flags));
}

export function stopCommand(): Command {
  return whereOptions(new Command('stop'))
    .description(
      'Stops a host; its queue still fills. It stays off over restarts until it is started.',
    )
    .argument('<host>')
    .option('--reason <text>', 'why, for the event log', 'stopped by hand')
    .action((host: string, flags: WhereOptions & { reason: string }) => order('stop', host, flags));
}

export function retryCommand(): Command {
  return whereOptions(new Command('retry'))
    .description('Makes a host try again at once what waits for its next try.')
    .argument('<host>')
    .action((host: string, flags: WhereOptions) => order('retry', host, flags));
}

async function order(
  verb: 'start' | 'stop' | 'retry',
  host: string,
  flags: WhereOptions & { readonly reason?: string },
): Promise<void> {
  const request = { host, by: orderedBy(), via: COMMAND_LINE, reason: flags.reason } as const;
  const answers = await withBroker(flags, (broker) => orderAll(broker, ENGINE[verb], request));
  print(`${verb} ${host}: done by ${answers.length} engine${answers.length === 1 ? '' : 's'}`);
}
