import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import type { Broker } from '../../broker/broker.ts';
import { askControl } from '../../control/control.ts';
import { remoteTrace } from '../../control/remote-trace.ts';
import { PLANE } from '../../control/verbs.ts';
import type { RehearsedGroup } from '../../definition/rehearsal.ts';
import { EngineError } from '../../error/engine-error.ts';
import { trialOrder, withMore } from '../../operator/rehearse-all.ts';
import { CRITERION_NAMES, criteria } from '../../trace/criteria.ts';
import type { TraceQuery } from '../../trace/trace-query.ts';
import { orderedBy, type WhereOptions, whereOptions, withBroker } from '../connect.ts';
import { print, table } from '../output.ts';

interface RehearseFlags extends WhereOptions {
  readonly limit: string;
  readonly json?: boolean;
}

export function rehearseCommand(): Command {
  return whereOptions(new Command('rehearse'))
    .description(
      'Tries what the files on disk would make of the originals of messages: where they would go, and which still fail. Nothing is sent, and the running production does not change.',
    )
    .argument(
      '[criteria...]',
      `which messages, as in find: name=value (${CRITERION_NAMES.join(', ')}, or a search field); suspended ones and errors if left out`,
    )
    .option('--limit <count>', 'messages at most', '1000')
    .option('--json', 'as JSON')
    .action(rehearse);
}

async function rehearse(words: readonly string[], flags: RehearseFlags): Promise<void> {
  const limit = Number(flags.limit);
  if (!Number.isInteger(limit) || limit < 1)
    throw new EngineError('QUERY_INVALID', `--limit ${flags.limit} is no number of messages`);
  await withBroker(flags, async (broker) => {
    const fields = await remoteTrace(broker, orderedBy()).fields();
    const asked = criteria(words, fields, Date.now());
    const query: TraceQuery =
      words.length === 0 ? { ...asked, status: ['suspended', 'error'] } : asked;
    await tellRehearsal(broker, query, { limit, json: flags.json });
  });
}

/** Messages that are named in one question: what they are tried for must fit into one answer. */
const AT_ONCE = 200;
/** Milliseconds: the plane answers long before, unless a message takes all of its time. */
const TIMEOUT = 60_000;
const PAGE = 1_000;

/** Tries the messages of a query, newest first, and says what would become of them; exit code 1 unless all is well. */
export async function tellRehearsal(
  broker: Broker,
  query: TraceQuery,
  { limit, json = false }: { readonly limit: number; readonly json?: boolean | undefined },
): Promise<void> {
  const { ids: listed, complete } = await found(broker, query, limit);
  const ids = trialOrder(listed);
  const run = randomUUID();
  const began = performance.now();
  const by = orderedBy();
  let groups: readonly RehearsedGroup[] = [];
  let version: string | undefined;
  let done = 0;
  let stuck = false;
  while (done < ids.length && !stuck) {
    const some = ids.slice(done, done + AT_ONCE);
    const part = await askControl(
      broker,
      PLANE.rehearse,
      { ids: some, run, by },
      { timeout: TIMEOUT },
    );
    groups = withMore(groups, part.groups);
    ({ version = version, stuck } = part);
    done += part.done;
    tellProgress(done, ids.length, performance.now() - began);
  }
  const isGood = !stuck && groups.every(isFine);
  if (!isGood) process.exitCode = 1;
  if (json) return print(JSON.stringify({ tried: done, complete, stuck, version, groups }));
  if (ids.length === 0) return print('no message matches: nothing was tried');
  const more = complete ? '' : `; more fit than --limit ${limit}`;
  const what = `tried ${done} message${done === 1 ? '' : 's'} with the files${more}`;
  print(`${what}; nothing was sent`);
  print(table(groups.map(rowOf)));
  for (const line of placesOf(groups)) print(line);
  if (stuck)
    print(
      `the files ran on and on for the last message, so ${ids.length - done} were not tried: look for an endless loop in the code that it goes through`,
    );
}

/** On a terminal only: how far it is, and when it ends. */
function tellProgress(done: number, total: number, took: number): void {
  if (!process.stderr.isTTY) return;
  const left = Math.ceil(((total - done) * took) / Math.max(done, 1) / 1_000);
  const more = done < total ? `, about ${left} s more` : '\n';
  process.stderr.write(`\r\u001b[Ktried ${done} of ${total}${more}`);
}

async function found(
  broker: Broker,
  query: TraceQuery,
  limit: number,
): Promise<{ readonly ids: readonly number[]; readonly complete: boolean }> {
  const reader = remoteTrace(broker, orderedBy());
  const ids: number[] = [];
  let after: string | undefined;
  do {
    const page = await reader.find({ ...query, after, limit: Math.min(PAGE, limit - ids.length) });
    ids.push(...page.items.map(({ id }) => id));
    after = page.next;
  } while (after !== undefined && ids.length < limit);
  return { ids, complete: after === undefined };
}

/** Whether nobody has to look at these again. */
const isFine = ({ kind, own }: RehearsedGroup): boolean => kind === 'goes' && own !== 'same';

const OWN = {
  changed: 'their target would get something else than it got',
  same: 'their target would get the same again as it got',
  nothing: 'their own target would get nothing',
} as const satisfies Record<NonNullable<RehearsedGroup['own']>, string>;

function rowOf({ kind, to, own, host, code, cause, count }: RehearsedGroup): string[] {
  const why = [code, cause].filter((one) => one !== undefined).join(' ');
  const words = {
    goes: `would go to ${to.join(', ')}${own === undefined ? '' : `; ${OWN[own]}`}`,
    nowhere: 'would go to nobody',
    fails: `would still fail at ${host}: ${why}`,
    untried: `could not be tried: ${why}`,
  };
  return [`  ${count}`, words[kind]];
}

/** Where in the files it is decided, in a form that a terminal can open. */
function placesOf(groups: readonly RehearsedGroup[]): string[] {
  const all = groups.flatMap(({ places }) => places);
  const lines = all.map(({ what, name, file, line }) => `  ${file}:${line}  ${what} ${name}`);
  return lines.length === 0 ? [] : ['decided in', ...new Set(lines)];
}
