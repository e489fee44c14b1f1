import { realpath } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Argument, Command, Option } from 'commander';
import { isAway } from '../../broker/away.ts';
import type { Broker } from '../../broker/broker.ts';
import { OVERRIDE_KINDS, type Override, type OverrideKind } from '../../broker/overrides.ts';
import { countOf, projectorUnread } from '../../broker/stream-reader.ts';
import { askAll, askControl, orderAll } from '../../control/control.ts';
import { differingFiles } from '../../control/differing-files.ts';
import type { HostReport, StatusReport, WaitingMessages } from '../../control/engine-report.ts';
import { COMMAND_LINE, type Reloaded, type ReloadOrder } from '../../control/orders.ts';
import { ENGINE, PLANE } from '../../control/verbs.ts';
import { leftText } from '../../engine/left-queues.ts';
import { describeReload, messagesWaiting } from '../../engine/reloaded.ts';
import { EngineError, isEngineError } from '../../error/engine-error.ts';
import { unless } from '../../error/foreseen.ts';
import { lostText } from '../../log/events.ts';
import { FAR_BEHIND } from '../../operator/alert/condition.ts';
import { describeDuration, milliseconds } from '../../time/duration.ts';
import { orderedBy, type WhereOptions, whereOptions, withBroker, withEach } from '../connect.ts';
import { print, table } from '../output.ts';

export function statusCommand(): Command {
  return whereOptions(new Command('status'))
    .description('Shows the hosts of a running production, their connections and queues.')
    .option('--json', 'as JSON')
    .action(status);
}

async function status(flags: WhereOptions & { readonly json?: boolean }): Promise<void> {
  const found = await withEach(flags, async (broker) => ({
    reports: await askAll(broker, ENGINE.status, null),
    wrong: flags.json === true ? [] : await wrongWith(broker),
  }));
  if (flags.json === true)
    return print(JSON.stringify(found.flatMap(({ result }) => result?.reports ?? [])));
  for (const { production, result: { reports, wrong } = { reports: [], wrong: [] } } of found) {
    printReports(reports);
    if (reports.length === 0) {
      const which = found.length === 1 ? 'the production' : production;
      print(`no engine answers: ${which} is not running`);
    }
    for (const text of wrong) print(text);
  }
}

/** Milliseconds that an operator plane may take to say what is wrong. */
const PLANE_ANSWERS = 3_000;

/** What no line of a host says: open alerts about the whole or about room, and a trace that stands still. */
export async function wrongWith(broker: Broker): Promise<string[]> {
  const timeout = PLANE_ANSWERS;
  const [unread, alerts] = await Promise.all([
    askControl(broker, PLANE.lag, null, { timeout }).catch(
      unless(isEngineError, 'asking how far the trace is behind'),
    ),
    // one without a console watches for none
    askControl(broker, PLANE.alerts, null, { timeout }).catch(
      unless(isEngineError, 'asking for alerts'),
    ),
  ]);
  const told = (alerts ?? [])
    .filter(({ host, rule }) => host === undefined || rule === 'disk' || rule === 'refused')
    .map(({ first, text }) => `ALERT for ${since(first)}: ${text}`);
  if (unread === undefined) {
    const waiting = await projectorUnread(broker).catch(
      unless(isAway, 'asking NATS what the trace has not read'),
    );
    const what =
      alerts === undefined
        ? 'no operator plane answers, so nobody watches, and nothing new is found'
        : 'the operator plane does not say how far it is behind';
    const count =
      waiting === undefined ? '' : `; messages that are not in the trace yet: ${countOf(waiting)}`;
    return [...told, `TRACE: ${what}${count}`];
  }
  return unread > FAR_BEHIND
    ? [...told, `TRACE: messages that are not in the trace yet: ${unread}`]
    : told;
}

function printReports(reports: readonly StatusReport[]): void {
  for (const report of reports.toSorted((a, b) => a.engine - b.engine)) {
    print(
      `${report.production} (${report.title}), engine ${report.engine}, up ${since(report.started)}`,
    );
    print(
      table([
        ['host', 'kind', 'state', 'queue', 'oldest', 'messages', 'connection'],
        ...report.hosts.map(row),
      ]),
    );
    for (const { host, waiting } of report.hosts) {
      if (waiting !== undefined) print(waitingText(host, waiting));
    }
    for (const { oldest, ...left } of report.left) {
      const age = oldest === undefined ? '' : `, the oldest for ${since(oldest)}`;
      print(
        `${leftText(left)}${age}: the production no longer has that host; they stay until it has it again`,
      );
    }
    for (const { host, ...range } of report.lost ?? []) print(`LOST: ${lostText(host, range)}`);
  }
  for (const [production, those] of Map.groupBy(reports, (report) => report.production)) {
    const differing = differingFiles(those);
    if (differing !== undefined) print(`DIFFERENT FILES of ${production}: ${differing}`);
  }
}

function row(host: HostReport): string[] {
  const { queue } = host;
  return [
    host.host,
    host.kind,
    stateText(host),
    queue === undefined ? '' : String(queue.depth),
    queue?.oldest === undefined ? '' : since(queue.oldest),
    String(host.messages),
    connectionText(host),
  ];
}

function waitingText(host: string, { count, next }: WaitingMessages): string {
  const what = count === 1 ? '1 message waits' : `${count} messages wait`;
  if (next === undefined) return `${host}: ${what} for an answer`;
  return `${host}: ${what} for a time or an answer; the next goes on ${inTime(next)} at the latest`;
}

function stateText({ kind, state, queue, switchedOff, overrides }: HostReport): string {
  if (kind === 'process' && queue === undefined) return 'inline';
  const set = overrides.map(({ kind: what, level, by, until }) => {
    return ` (${what}${level === undefined ? '' : ` ${level}`} by ${by}, ${describeDuration(until - Date.now())} more)`;
  });
  if (switchedOff === undefined || state === 'running') return `${state}${set.join('')}`;
  return `off (${switchedOff.by}: ${switchedOff.reason})${set.join('')}`;
}

/** Nobody who has mended what a host waits for wants to wait longer than this. */
const LONG = 60_000;

function connectionText(report: HostReport): string {
  const { host, retrying, detail, connection, lastError, reconnect } = report;
  if (retrying === undefined) {
    const text = detail ?? connection ?? '';
    const left = reconnect === undefined ? 0 : reconnect - Date.now();
    if (left < LONG) return text;
    return `${text} It is tried again in ${describeDuration(left)}; at once with waybill retry ${host}.`;
  }
  return `try ${retrying.attempt} failed: ${lastError?.text ?? ''}; again ${inTime(retrying.next)}`;
}

/** `in 12s`; `now` for what is due, which a line of text cannot follow. */
function inTime(at: number): string {
  const left = at - Date.now();
  return left < 1_000 ? 'now' : `in ${describeDuration(left)}`;
}

const since = (time: number): string => describeDuration(Math.max(0, Date.now() - time));

export function startCommand(): Command {
  return whereOptions(new Command('start'))
    .description('Starts a host that was switched off; it stays on across restarts.')
    .argument('<host>')
    .action((host: string, flags: WhereOptions) => switchHost('start', host, flags));
}

export function stopCommand(): Command {
  return whereOptions(new Command('stop'))
    .description(
      'Stops a host; its queue still fills. It stays off across restarts until it is started.',
    )
    .argument('<host>')
    .option('--reason <text>', 'why, for the event log', 'stopped by hand')
    .action((host: string, flags: WhereOptions & { reason: string }) =>
      switchHost('stop', host, flags),
    );
}

export function retryCommand(): Command {
  return whereOptions(new Command('retry'))
    .description('Makes a host retry at once what waits for its next try.')
    .argument('<host>')
    .action((host: string, flags: WhereOptions) => switchHost('retry', host, flags));
}

async function switchHost(
  verb: 'start' | 'stop' | 'retry',
  host: string,
  flags: WhereOptions & { readonly reason?: string },
): Promise<void> {
  const request = { host, by: orderedBy(), via: COMMAND_LINE, reason: flags.reason } as const;
  const answers = await withBroker(flags, (broker) => orderAll(broker, ENGINE[verb], request));
  print(`${verb} ${host}: done by ${answers.length} engine${answers.length === 1 ? '' : 's'}`);
}

interface OverrideFlags extends WhereOptions {
  readonly level?: Override['level'];
  readonly for: string;
  readonly reason: string;
  readonly end?: boolean;
}

export function overrideCommand(): Command {
  const kind = new Argument('<kind>', 'hold stops it; test sets each message aside, unsent');
  return whereOptions(new Command('override'))
    .description('Overrides a setting of a host for a while; it ends by itself.')
    .argument('<host>')
    .addArgument(kind.choices([...OVERRIDE_KINDS]))
    .addOption(
      new Option('--level <level>', 'of log-level').choices(['debug', 'info', 'warn', 'error']),
    )
    .option('--for <time>', 'how long, such as 30m or 2h', '1h')
    .option('--reason <text>', 'why, for others to see', 'set by hand')
    .option('--end', 'ends it now')
    .action(override);
}

async function override(host: string, kind: OverrideKind, flags: OverrideFlags): Promise<void> {
  const { level, reason, end = false } = flags;
  const time = milliseconds(flags.for);
  if (time === undefined || !Number.isFinite(time)) {
    throw new EngineError('CONFIG_INVALID', `${flags.for} is not a time; write it as 30m or 2h`);
  }
  if (!end && (kind === 'log-level') !== (level !== undefined)) {
    throw new EngineError(
      'CONFIG_INVALID',
      '--level is required for log-level, and only allowed there',
    );
  }
  const by = orderedBy();
  const at = Date.now();
  const set: Override = { host, kind, level, by, reason, at, until: at + time };
  await withBroker(flags, (broker) =>
    askControl(
      broker,
      PLANE.override,
      { host, kind, by, set: end ? undefined : set },
      { timeout: 160_000 },
    ),
  );
  print(end ? `${kind} of ${host} has ended` : `${kind} of ${host} until ${told(set.until)}`);
}

const told = (time: number): string => new Date(time).toISOString();

interface ApplyFlags extends WhereOptions {
  readonly dryRun?: boolean;
  readonly reason?: string;
  readonly leaveWaiting?: boolean;
  readonly json?: boolean;
}

export function applyCommand(): Command {
  return whereOptions(new Command('apply'))
    .description(
      'Shows how the files of a running production differ from what runs, then changes it; only changed hosts restart.',
    )
    .argument('[production]', 'its folder, to make sure that the right one is meant')
    .option('--dry-run', 'only show the difference')
    .option('--reason <text>', 'why, for the history of changes')
    .option(
      '--leave-waiting',
      'removes hosts although messages wait for them: the messages stay until the production has the host again',
    )
    .option('--json', 'as JSON')
    .action(apply);
}

async function apply(folder: string | undefined, flags: ApplyFlags): Promise<void> {
  const request = {
    by: orderedBy(),
    via: COMMAND_LINE,
    reason: flags.reason,
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

/** Asks the user whether messages may be left without their host; refuses if there is no terminal. */
async function mayLeave(
  waiting: Reloaded['waiting'],
  { json }: Pick<ApplyFlags, 'json'>,
): Promise<boolean> {
  if (waiting.length === 0) return false;
  const refusal = messagesWaiting(waiting);
  if (json === true || !process.stdin.isTTY) throw refusal;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${refusal.message}.\nRemove them anyway? [y/N]  `);
    if (!/^y(es)?$/i.test(answer.trim())) throw refusal;
    return true;
  } finally {
    lines.close();
  }
}
