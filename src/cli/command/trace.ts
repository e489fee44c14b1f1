import { Command } from 'commander';
import type { Broker } from '../../broker/broker.ts';
import { askControl } from '../../control/control.ts';
import type { PurgeOrder } from '../../control/orders.ts';
import { remoteTrace } from '../../control/remote-trace.ts';
import { PLANE } from '../../control/verbs.ts';
import { EngineError } from '../../error/engine-error.ts';
import { describeDuration, milliseconds } from '../../time/duration.ts';
import { describeSize } from '../../time/size.ts';
import { CRITERION_NAMES, criteria } from '../../trace/criteria.ts';
import { behindText, drawPage, indexingText } from '../../trace/drawing/draw-page.ts';
import { drawQuickHits } from '../../trace/drawing/draw-quick-hits.ts';
import { drawSession } from '../../trace/drawing/draw-session.ts';
import { idIn } from '../../trace/quick-find.ts';
import type { PurgeReport } from '../../trace/trace-store.ts';
import type { VerifyReport } from '../../trace/verify.ts';
import {
  type FoundIn,
  orderedBy,
  type WhereOptions,
  whereOptions,
  withBroker,
  withEach,
} from '../connect.ts';
import { print, say, table, terminal } from '../output.ts';

interface TraceFlags extends WhereOptions {
  readonly rules?: boolean;
  readonly json?: boolean;
}

export function traceCommand(): Command {
  return (
    whereOptions(new Command('trace'))
      .description('Draws what happened in one session: its messages, rules, tries and replies.')
      .argument('<session>', 'its id, or that of any of its messages')
      .option('--rules', 'every rule that was tried, with its condition')
      .option('--json', 'as JSON')
      .action(trace)
      // what follows the word verify belongs to it: both have the options that say where the
      // production is
      .enablePositionalOptions()
      .addCommand(traceVerifyCommand())
  );
}

async function trace(text: string, flags: TraceFlags): Promise<void> {
  const id = idIn(text);
  const each =
    id === undefined
      ? []
      : await withEach(flags, (broker) => remoteTrace(broker, orderedBy()).session(id));
  printAway(each);
  const found = each.filter(({ result }) => result !== undefined);
  if (found.length === 0) {
    throw new EngineError('NOT_FOUND', `the trace has no session or message ${text}`);
  }
  for (const { production, result: session } of found) {
    if (session === undefined) continue;
    if (each.length > 1 && flags.json !== true) print(`${production}:`);
    print(
      flags.json === true
        ? JSON.stringify(session)
        : drawSession(session, { ...terminal(), rules: flags.rules === true }),
    );
  }
}

/** A production that did not answer may have had it. */
function printAway(found: readonly FoundIn<unknown>[]): void {
  for (const { production, away } of found)
    if (away !== undefined) say(`${production}: ${away.message}`);
}

interface FindFlags extends WhereOptions {
  readonly limit: string;
  readonly after?: string;
  readonly patience: string;
  readonly json?: boolean;
}

export function findCommand(): Command {
  return whereOptions(new Command('find'))
    .description('Searches the trace of a running production, newest first.')
    .argument(
      '[criteria...]',
      `name=value: ${CRITERION_NAMES.join(', ')}, or a search field such as mrn (value* for a beginning); or one word: a message id, control id or field value`,
    )
    .option('--limit <count>', 'at most this many messages, up to 1000', '50')
    .option('--after <cursor>', 'continue where an earlier search ended')
    .option('--patience <seconds>', 'how long to search', '5')
    .option('--json', 'as JSON')
    .action(find);
}

async function find(words: readonly string[], flags: FindFlags): Promise<void> {
  const found = await withEach(flags, async (broker, several) => {
    const [word] = words;
    if (several && flags.json !== true) print(`${broker.production}:`);
    if (word !== undefined && words.length === 1 && !word.includes('=')) {
      return findWord(broker, word, flags);
    }
    const reader = remoteTrace(broker, orderedBy());
    const page = await reader.find({
      ...criteria(words, await reader.fields(), Date.now()),
      after: flags.after,
      limit: wholeNumber('--limit', flags.limit),
      timeBudget: wholeNumber('--patience', flags.patience) * 1_000,
    });
    const behind = await traceLag(broker);
    print(
      flags.json === true
        ? JSON.stringify({ ...page, behind })
        : drawPage(page, { ...terminal(), behind }),
    );
  });
  printAway(found);
}

/** How many messages the trace has not read yet: they cannot be found. */
const traceLag = (broker: Broker): Promise<number> => askControl(broker, PLANE.lag, null);

async function findWord(broker: Broker, word: string, flags: FindFlags): Promise<void> {
  const reader = remoteTrace(broker, orderedBy());
  const hits = await reader.quickFind(word, wholeNumber('--limit', flags.limit));
  if (flags.json === true) return print(JSON.stringify(hits));
  print(drawQuickHits(hits, terminal()));
  const indexing = await reader.indexing();
  if (indexing !== undefined) print(indexingText(indexing, terminal()));
  const behind = await traceLag(broker);
  if (behind > 0) print(behindText(behind));
}

function wholeNumber(flag: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new EngineError('QUERY_INVALID', `${flag} ${text} is not a whole number above 0`);
}

/** There may be much in the queues, and a large store is purged day by day. */
const TIMEOUT = 3_600_000;

interface VerifyFlags extends WhereOptions {
  readonly repair?: boolean;
  readonly json?: boolean;
}

const NAMED = 20;

export function traceVerifyCommand(): Command {
  return whereOptions(new Command('verify'))
    .description(
      'Compares the trace with all that the streams still hold; exits with 1 if they differ.',
    )
    .option('--repair', 'corrects the trace from the streams')
    .option('--json', 'as JSON')
    .action(verify);
}

async function verify({ repair = false, json, ...where }: VerifyFlags): Promise<void> {
  const order = { repair, by: orderedBy() };
  const report = await withBroker(where, (broker) =>
    askControl(broker, PLANE.verify, order, { timeout: TIMEOUT }),
  );
  if (json === true) print(JSON.stringify(report));
  else for (const line of described(report)) print(line);
  if (!repair && KINDS.some(({ kind }) => report[kind].count > 0)) process.exitCode = 1;
}

const KINDS = [
  { kind: 'missing', what: 'are not in the trace' },
  { kind: 'outcome', what: 'have another outcome in the trace' },
  { kind: 'incomplete', what: 'are incomplete in the trace' },
  { kind: 'lost', what: 'wait, according to the trace, in a queue that does not have them' },
  { kind: 'doubled', what: 'are in a queue a second time' },
] as const;

function described(report: VerifyReport): string[] {
  const { read, behind, failing, repaired } = report;
  const lines = KINDS.flatMap(({ kind, what }) => {
    const { count, ids } = report[kind];
    if (count === 0) return [];
    const named = ids.slice(0, NAMED).join(', ');
    const done = repaired && kind !== 'doubled' ? ' (repaired)' : '';
    return [`${count} messages ${what}${done}: ${named}${count > NAMED ? ' …' : ''}`];
  });
  if (lines.length === 0) lines.push(`the trace and the streams agree on ${read} messages`);
  if (behind > 0) lines.push(`the trace is ${behind} messages behind: those were not compared`);
  if (failing !== undefined) lines.push(`nothing is written to it: ${failing}`);
  return lines;
}

interface PurgeFlags extends WhereOptions {
  readonly olderThan?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const SHOWN = 20;

export function purgeCommand(): Command {
  return whereOptions(new Command('purge'))
    .description(
      'Removes whole days from the trace that are settled and older than the limit, and says what stayed and why.',
    )
    .option('--older-than <time>', "such as 30d, instead of the production's settings.keep")
    .option('--dry-run', 'removes nothing, and says what would be removed')
    .option('--json', 'as JSON')
    .action(purge);
}

async function purge({ olderThan, dryRun = false, ...flags }: PurgeFlags): Promise<void> {
  const keep = olderThan === undefined ? undefined : timeOf(olderThan);
  const order: PurgeOrder = { dryRun, by: orderedBy(), ...(keep !== undefined && { keep }) };
  const report = await withBroker(flags, (broker) =>
    askControl(broker, PLANE.purge, order, { timeout: TIMEOUT }),
  );
  if (flags.json === true) print(JSON.stringify(report));
  else for (const line of describe(report, dryRun)) print(line);
}

function timeOf(text: string): number {
  const time = milliseconds(text);
  if (time !== undefined && Number.isFinite(time)) return time;
  throw new EngineError('QUERY_INVALID', `${text} is not a time such as 30d or 12h`);
}

const count = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`;

function describe(report: PurgeReport, dryRun: boolean): string[] {
  const { removed, kept, keptSessions, released, bodiesRemoved } = report;
  const sum = (of: (day: PurgeReport['removed'][number]) => number): number =>
    removed.reduce((total, day) => total + of(day), 0);
  const days = removed.map(({ day, messages, bytes, because }) => [
    day,
    String(messages),
    describeSize(bytes),
    because === 'age' ? 'past its time' : 'the store is full',
  ]);
  const verb = dryRun ? 'would be removed' : 'removed';
  const lines = removed.length === 0 ? [] : [table([['day', 'messages', 'size', ''], ...days])];
  lines.push(
    `${count(removed.length, 'day')} with ${count(
      sum(({ messages }) => messages),
      'message',
    )} ${verb}, ${describeSize(sum(({ bytes }) => bytes))} ${dryRun ? 'would be freed' : 'freed'}`,
  );
  if (released > 0) {
    lines.push(
      `${count(released, 'session')} kept longer until now ${verb}, since they are settled`,
    );
  }
  if (bodiesRemoved > 0)
    lines.push(`${count(bodiesRemoved, 'large message body', 'large message bodies')} ${verb}`);
  if (keptSessions > 0) lines.push(`${count(keptSessions, 'session')} of such days kept:`);
  if (kept.length > 0) lines.push(keptTable(kept));
  return lines;
}

function keptTable(kept: PurgeReport['kept']): string {
  const now = Date.now();
  const rows = kept
    .slice(0, SHOWN)
    .map(({ messageId, host, reason, since }) => [
      String(messageId),
      host,
      reason,
      describeDuration(Math.max(0, now - since)),
    ]);
  const more = kept.length > SHOWN ? [[`… ${kept.length - SHOWN} more`]] : [];
  return table([['message', 'host', 'because', 'for'], ...rows, ...more]);
}
