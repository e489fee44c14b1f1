import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { Broker } from '../../broker/broker.ts';
import { askControl } from '../../control/control.ts';
import type { Resent } from '../../control/orders.ts';
import { remoteTrace } from '../../control/remote-trace.ts';
import { PLANE } from '../../control/verbs.ts';
import { EngineError } from '../../error/engine-error.ts';
import { TIME_WORDS } from '../../trace/criteria.ts';
import { momentOf } from '../../trace/moment.ts';
import { orderedBy, type WhereOptions, whereOptions, withBroker } from '../connect.ts';
import { followed, said, waitOption } from '../followed.ts';
import { print } from '../output.ts';

interface ResendFlags extends WhereOptions {
  readonly to?: string;
  readonly body?: string;
  readonly reason?: string;
  readonly wait: number;
  readonly json?: boolean;
}

export function resendCommand(): Command {
  return whereOptions(new Command('resend'))
    .description('Sends a traced message again as a new session linked to the old one.')
    .argument('<message>', 'its id')
    .option('--to <host>', 'another process or operation than before')
    .option('--body <file>', 'the edited body instead of the stored one')
    .option('--reason <text>', 'why, for the trace')
    .addOption(waitOption())
    .option('--json', 'as JSON')
    .action(resend);
}

async function resend(message: string, flags: ResendFlags): Promise<void> {
  const id = Number(message);
  if (!Number.isSafeInteger(id))
    throw new EngineError('NOT_FOUND', `${message} is not a message id`);
  const body = flags.body === undefined ? undefined : await readFile(flags.body);
  await withBroker(flags, async (broker) => {
    const sent = await askControl(
      broker,
      PLANE.resend,
      { id, to: flags.to, by: orderedBy(), reason: flags.reason, edited: body !== undefined },
      { body },
    );
    const what = `resent ${sent.of} as message ${sent.messageId} (session ${sent.sessionId})`;
    await tellOutcome(broker, [sent], { ...flags, what, single: true });
  });
}

/** Says what was sent and what became of it; the command's exit code says whether that is good. */
async function tellOutcome(
  broker: Broker,
  sent: readonly Resent[],
  {
    what,
    wait,
    json,
    single = false,
  }: Pick<ReplayFlags, 'wait' | 'json'> & { readonly what: string; readonly single?: boolean },
): Promise<void> {
  const sessions = sent.map(({ sessionId }) => sessionId);
  const outcomes = await followed(broker, sessions, wait);
  const { summary, causes, exitCode } = said(sessions, outcomes, wait);
  if (json === true) {
    const told = sent.map((one) => ({ ...one, outcome: outcomes.get(one.sessionId) }));
    print(JSON.stringify(single ? told[0] : told));
  } else if (wait === 0) print(what);
  else for (const line of [`${what}: ${summary}`, ...causes]) print(line);
  if (wait > 0 && exitCode > 0) process.exitCode = exitCode;
}

interface ReplayFlags extends WhereOptions {
  readonly from: string;
  readonly to: string;
  readonly into?: string;
  readonly wait: number;
  readonly json?: boolean;
}

export function replayCommand(): Command {
  return whereOptions(new Command('replay'))
    .description('Sends every message of a time range at one host again, in order.')
    .argument('<host>')
    .requiredOption('--from <time>', `from when its messages were made: ${TIME_WORDS}`)
    .option('--to <time>', 'until when, written alike', 'now')
    .option('--into <host>', 'another process or operation')
    .addOption(waitOption())
    .option('--json', 'as JSON')
    .action(replay);
}

async function replay(host: string, flags: ReplayFlags): Promise<void> {
  if (timeOf('from', flags.from) > timeOf('to', flags.to)) {
    throw new EngineError('QUERY_INVALID', `--from ${flags.from} is after --to ${flags.to}`);
  }
  await withBroker(flags, async (broker) => {
    const resent = await askControl(
      broker,
      PLANE.replay,
      {
        host,
        from: timeOf('from', flags.from),
        to: timeOf('to', flags.to),
        into: flags.into,
        by: orderedBy(),
      },
      { timeout: 600_000 },
    );
    if (resent.length === 0 && flags.json !== true) return print(await whyNothing(host, flags));
    const what = `replayed ${resent.length} message${resent.length === 1 ? '' : 's'} of ${host}`;
    return tellOutcome(broker, resent, { ...flags, what });
  });
}

/** A service is sent nothing: what it took in went to other hosts, which can be replayed. */
async function whyNothing(host: string, flags: ReplayFlags): Promise<string> {
  const range = { from: timeOf('from', flags.from), to: timeOf('to', flags.to) };
  const { items } = await withBroker(flags, (broker) =>
    remoteTrace(broker, orderedBy()).find({ ...range, source: host, limit: 1_000 }),
  );
  const targets = [...new Set(items.map(({ target }) => target))].filter((one) => one !== '');
  return targets.length === 0
    ? `nothing was replayed: the trace knows no message to a host ${host} that was made in that time. waybill status lists the hosts`
    : `nothing was replayed: no message goes to ${host}, it only sends. Replay what it sends to: ${targets.join(', ')}`;
}

function timeOf(end: 'from' | 'to', text: string): number {
  const time = momentOf(text, Date.now(), end);
  if (time !== undefined) return time;
  throw new EngineError('QUERY_INVALID', `--${end} ${text} is not ${TIME_WORDS}`);
}

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
