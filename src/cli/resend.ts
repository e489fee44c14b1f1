import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { askControl } from '../broker/control.ts';
import { EngineError } from '../error/engine-error.ts';
import type { Resent } from '../operator/resend.ts';
import { type WhereOptions, withBroker } from './connect.ts';
import { print } from './output.ts';
import { orderedBy, whereOptions } from './where.ts';

interface ResendFlags extends WhereOptions {
  readonly to?: string;
  readonly body?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

export function resendCommand(): Command {
  return whereOptions(new Command('resend'))
    .description('Sends a traced message again as a new session linked to the old one.')
    .argument('<message>', 'its id')
    .option('--to <host>', 'another process or operation than before')
    .option('--body <file>', 'the edited body instead of the stored one')
    .option('--reason <text>', 'why, for the trace')
    .option('--json', 'as JSON')
    .action(resend);
}

async function resend(message: string, flags: ResendFlags): Promise<void> {
  const id = Number(message);
  if (!Number.isSafeInteger(id))
    throw new EngineError('NOT_FOUND', `${message} is not a message id`);
  const body = flags.body === undefined ? undefined : await readFile(flags.body);
  const sent = await withBroker(flags, (broker) =>
    askControl<Resent>(
      broker,
      broker.names.ask('resend'),
      { id, to: flags.to, by: orderedBy(), reason: flags.reason, edited: body !== undefined },
      body === undefined ? {} : { body },
    ),
  );
  print(
    flags.json === true
      ? JSON.stringify(sent)
      : `resent ${sent.of} as message ${sent.messageId} (session ${sent.sessionId})`,
  );
}

interface ReplayFlags extends WhereOptions {
  readonly from: string;
  readonly to: string;
  readonly into?: string;
  readonly json?: boolean;
}

export function replayCommand(): Command {
  return whereOptions(new Command('replay'))
    .description('Sends every message of a time range at one host again, in order.')
    .argument('<host>')
    .requiredOption('--from <time>', 'first moment, such as 2026-11-25T08:00:00Z')
    .requiredOption('--to <time>', 'last moment')
    .option('--into <host>', 'another process or operation')
    .option('--json', 'as JSON')
    .action(replay);
}

async function replay(host: string, flags: ReplayFlags): Promise<void> {
  const resent = await withBroker(flags, (broker) =>
    askControl<readonly Resent[]>(
      broker,
      broker.names.ask('replay'),
      { host, from: timeOf(flags.from), to: timeOf(flags.to), into: flags.into, by: orderedBy() },
      { timeout: 600_000 },
    ),
  );
  print(
    flags.json === true ? JSON.stringify(resent) : `replayed ${resent.length} messages of ${host}`,
  );
}

function timeOf(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) {
    throw new EngineError(
      'CONFIG_INVALID',
      `${text} is not a time; write it as 2026-11-25T08:00:00Z`,
    );
  }
  return time;
}
