import type { Command } from 'commander';
import { DATA } from './connect.ts';
import { urlOption } from './secret-url.ts';

/** The options of every command that talks to a running production. */
export function whereOptions(command: Command): Command {
  return command
    .option('--data <folder>', 'the folder that waybill run uses', DATA)
    .addOption(urlOption('nats', 'the NATS server of the production, if it is not an embedded one'))
    .option('--production <name>', 'which production, where the server holds several');
}

/** Who gives an order, for the trace and the audit log. */
export function orderedBy(): string {
  return (
    process.env['SUDO_USER'] ?? process.env['USER'] ?? process.env['LOGNAME'] ?? 'command line'
  );
}
