import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { Broker } from '../../broker/broker.ts';
import { askControl } from '../../control/control.ts';
import type { NotResent, Reprocessed, Resent } from '../../control/orders.ts';
import { remoteTrace } from '../../control/remote-trace.ts';
import { PLANE } from '../../control/verbs.ts';
import { EngineError } from '../../error/engine-error.ts';
import { REPLAYED } from '../../operator/resend.ts';
import { causeOf } from '../../trace/cause.ts';
import { TIME_WORDS } from '../../trace/criteria.ts';
import { momentOf } from '../../trace/moment.ts';
import { orderedBy, type WhereOptions, whereOptions, withBroker } from '../connect.ts';
import { followed, said, waitOption } from '../followed.ts';
import { ordered, orderOption } from '../order.ts';
import { print } from '../output.ts';
import { tellRehearsal } from './rehearse.ts';

interface ResendFlags extends WhereOptions {
  readonly to?: string;
  readonly body?: string;
  readonly reason?: string;
  readonly order?: string;
  readonly wait: number;
  readonly json?: boolean;
}

export function resendCommand(): Command {
  return whereOptions(new Command('resend'))
    .description('Sends a traced message again as a new session linked to the old one.')
    .argument('<message>', 'its id')
    .option('--to <host>', 'another process or operation instead of the original one')
    .option('--body <file>', 'the edited body instead of the stored one')
    .option('--reason <text>', 'why, for the trace')
    .addOption(orderOption())
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
    const { to, reason } = flags;
    const sent = await ordered(flags.order, ['resend', id, to, body?.toString('base64')], (order) =>
      askControl(
        broker,
        PLANE.resend,
        { id, to, by: orderedBy(), reason, order, edited: body !== undefined },
        { body },
      ),
    );
    const what = `resent ${sent.of} as message ${sent.messageId} (session ${sent.sessionId})`;
    await tellOutcome(broker, [sent], { ...flags, what, single: true });
    if (sent.waitsFor !== undefined && flags.json !== true)
      print(
        `  ${sent.of} itself still waits for ${sent.waitsFor}, and is sent from its queue as well: waybill abort ${sent.of} prevents that`,
      );
  });
}

/** Says what was sent and what happened to it; the command's exit code says whether it succeeded. */
async function tellOutcome(
  broker: Broker,
  all: readonly (Resent | NotResent)[],
  {
    what,
    wait,
    json,
    single = false,
  }: Pick<ReplayFlags, 'wait' | 'json'> & { readonly what: string; readonly single?: boolean },
): Promise<void> {
  const sent = all.filter((one) => 'sessionId' in one);
  const failed = all.filter((one) => 'code' in one);
  const sessions = [...new Set(sent.map(({ sessionId }) => sessionId))];
  const outcomes = await followed(broker, sessions, wait);
  const { summary, causes, exitCode } = said(sessions, outcomes, wait);
  if (json === true) {
    const told = all.map((one) =>
      'sessionId' in one ? { ...one, outcome: outcomes.get(one.sessionId) } : one,
    );
    print(JSON.stringify(single ? told[0] : told));
  } else {
    const followedTo = wait === 0 || sent.length === 0 ? '' : `: ${summary}`;
    for (const line of [`${what}${followedTo}`, ...(wait === 0 ? [] : causes)]) print(line);
    for (const [why, alike] of Map.groupBy(failed, ({ code, text }) => `${code} ${causeOf(text)}`))
      print(`  ${alike.length} not sent: ${why}`);
  }
  const code = failed.length > 0 ? 1 : wait > 0 ? exitCode : 0;
  if (code > 0) process.exitCode = code;
}

interface ReprocessFlags extends WhereOptions {
  readonly target?: readonly string[];
  readonly dryRun?: boolean;
  readonly reason?: string;
  readonly order?: string;
  readonly wait: number;
  readonly json?: boolean;
}

export function reprocessCommand(): Command {
  return whereOptions(new Command('reprocess'))
    .description(
      "Processes the original of a message again with today's rules and transforms, and sends only what goes to the chosen targets.",
    )
    .argument('<message>', 'its id, or that of any message of its session')
    .option(
      '--target <host>',
      'a host that gets it; may be repeated. Default: the target of the message',
      (host: string, before: readonly string[] | undefined) => [...(before ?? []), host],
    )
    .option(
      '--dry-run',
      "only show what today's rules would produce; without --target, for all targets",
    )
    .option('--reason <text>', 'why, for the trace')
    .addOption(orderOption())
    .addOption(waitOption())
    .option('--json', 'as JSON')
    .action(reprocess);
}

async function reprocess(message: string, flags: ReprocessFlags): Promise<void> {
  const { target: targets, dryRun = false, reason, json } = flags;
  const id = Number(message);
  if (!Number.isSafeInteger(id))
    throw new EngineError('NOT_FOUND', `${message} is not a message id`);
  await withBroker(flags, async (broker) => {
    const give = (order?: string): Promise<Reprocessed & Resent> =>
      askControl(
        broker,
        PLANE.reprocess,
        { id, targets, dryRun, by: orderedBy(), reason, order },
        { timeout: 60_000 },
      );
    const done = await (dryRun ? give() : ordered(flags.order, ['reprocess', id, targets], give));
    const to = [...new Set(done.made.map(({ target }) => target))].join(', ');
    if (!dryRun) {
      const what = `processed the original of ${id} again as session ${done.sessionId}, to ${to || 'nobody'}`;
      await tellOutcome(broker, [done], { ...flags, what, single: true });
      return;
    }
    const { made, failed } = done;
    if (json === true) print(JSON.stringify({ made, failed }));
    else if (failed === undefined) print(`it would go to ${to || 'nobody'}`);
    else print(`it fails at ${failed.host}: ${failed.code} ${failed.text}`);
    if (failed !== undefined) process.exitCode = 1;
  });
}

interface ReplayFlags extends WhereOptions {
  readonly from: string;
  readonly to: string;
  readonly into?: string;
  readonly reprocess?: boolean;
  readonly dryRun?: boolean;
  readonly order?: string;
  readonly wait: number;
  readonly json?: boolean;
}

export function replayCommand(): Command {
  return whereOptions(new Command('replay'))
    .description('Sends every message of a time range at one host again, in order.')
    .argument('<host>')
    .requiredOption('--from <time>', `from when its messages were made: ${TIME_WORDS}`)
    .option('--to <time>', 'until when, in the same form', 'now')
    .option('--into <host>', 'another process or operation')
    .option(
      '--reprocess',
      "process the originals again with today's rules, instead of sending the stored bodies",
    )
    .option('--dry-run', 'send nothing, and say what the files on disk would make of the originals')
    .addOption(orderOption())
    .addOption(waitOption())
    .option('--json', 'as JSON')
    .action(replay);
}

async function replay(host: string, flags: ReplayFlags): Promise<void> {
  if (timeOf('from', flags.from) > timeOf('to', flags.to)) {
    throw new EngineError('QUERY_INVALID', `--from ${flags.from} is after --to ${flags.to}`);
  }
  if (flags.dryRun === true) {
    const [from, to] = [timeOf('from', flags.from), timeOf('to', flags.to)];
    const query = { target: host, from, to, status: REPLAYED };
    return withBroker(flags, (broker) =>
      tellRehearsal(broker, query, { limit: DRY_LIMIT, json: flags.json }),
    );
  }
  await withBroker(flags, async (broker) => {
    const { into, reprocess: anew } = flags;
    // as it was written: a time such as 1h is another one each time
    const content = ['replay', host, flags.from, flags.to, into, anew];
    const resent = await ordered(flags.order, content, (order) =>
      askControl(
        broker,
        PLANE.replay,
        {
          host,
          from: timeOf('from', flags.from),
          to: timeOf('to', flags.to),
          into,
          reprocess: anew,
          by: orderedBy(),
          order,
        },
        { timeout: 600_000 },
      ),
    );
    if (resent.length === 0 && flags.json !== true) return print(await whyNothing(host, flags));
    const what = `replayed ${resent.length} message${resent.length === 1 ? '' : 's'} of ${host}`;
    return tellOutcome(broker, resent, { ...flags, what });
  });
}

/** Messages of a dry run at most. */
const DRY_LIMIT = 100_000;

/** Nothing is sent to a service: what it took in went to other hosts, which can be replayed. */
async function whyNothing(host: string, flags: ReplayFlags): Promise<string> {
  const range = { from: timeOf('from', flags.from), to: timeOf('to', flags.to) };
  const { items } = await withBroker(flags, (broker) =>
    remoteTrace(broker, orderedBy()).find({ ...range, source: host, limit: 1_000 }),
  );
  const targets = [...new Set(items.map(({ target }) => target))].filter((one) => one !== '');
  return targets.length === 0
    ? `nothing was replayed: the trace has no message to a host ${host} from that time. waybill status lists the hosts`
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
      'Removes a message from its queue, ends its retries, or discards a suspended one; those waiting behind it continue.',
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
