import { Command } from 'commander';
import { remoteTrace } from '../control/remote-trace.ts';
import { EngineError } from '../error/engine-error.ts';
import { drawSession } from '../trace/drawing/draw-session.ts';
import { idIn } from '../trace/quick-find.ts';
import { type WhereOptions, withBroker } from './connect.ts';
import { print } from './output.ts';
import { terminal } from './terminal.ts';
import { traceVerifyCommand } from './trace-verify.ts';
import { orderedBy, whereOptions } from './where.ts';

interface TraceFlags extends WhereOptions {
  readonly rules?: boolean;
  readonly json?: boolean;
}

export function traceCommand(): Command {
  return (
    whereOptions(new Command('trace'))
      .description('Draws what became of one session: its messages, rules, tries and replies.')
      .argument('<session>', 'its id, or that of any of its messages')
      .option('--rules', 'every rule that was tried, with its condition')
      .option('--json', 'as JSON')
      .action(trace)
      // what follows the word verify is meant for it: both have the options of where the production is
      .enablePositionalOptions()
      .addCommand(traceVerifyCommand())
  );
}

async function trace(text: string, flags: TraceFlags): Promise<void> {
  const id = idIn(text);
  const session =
    id === undefined
      ? undefined
      : await withBroker(flags, (broker) => remoteTrace(broker, orderedBy()).session(id));
  if (session === undefined) {
    throw new EngineError('NOT_FOUND', `the trace has no session or message ${text}`);
  }
  print(
    flags.json === true
      ? JSON.stringify(session)
      : drawSession(session, { ...terminal(), rules: flags.rules === true }),
  );
}
