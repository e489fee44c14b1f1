import { Command } from 'commander';
import { askControl } from '../control/control.ts';
import { PLANE } from '../control/verbs.ts';
import type { VerifyReport } from '../trace/verify.ts';
import { type WhereOptions, withBroker } from './connect.ts';
import { print } from './output.ts';
import { orderedBy, whereOptions } from './where.ts';

interface VerifyFlags extends WhereOptions {
  readonly repair?: boolean;
  readonly json?: boolean;
}

/** Much may wait in the queues. */
const TIMEOUT = 3_600_000;
const NAMED = 20;

export function traceVerifyCommand(): Command {
  return whereOptions(new Command('verify'))
    .description(
      'Compares the trace with everything that the streams still hold; exits with 1 where they differ.',
    )
    .option('--repair', 'has the trace say what the streams say')
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
  { kind: 'incomplete', what: 'are in the trace without a part of what is known' },
  { kind: 'lost', what: 'wait by the trace in a queue that does not hold them' },
  { kind: 'doubled', what: 'stand in a queue a second time' },
] as const;

function described(report: VerifyReport): string[] {
  const { read, behind, repaired } = report;
  const lines = KINDS.flatMap(({ kind, what }) => {
    const { count, ids } = report[kind];
    if (count === 0) return [];
    const named = ids.slice(0, NAMED).join(', ');
    const done = repaired && kind !== 'doubled' ? ' (repaired)' : '';
    return [`${count} messages ${what}${done}: ${named}${count > NAMED ? ' …' : ''}`];
  });
  if (lines.length === 0) lines.push(`the trace and the streams agree on ${read} messages`);
  if (behind > 0) lines.push(`the trace is ${behind} messages behind: nothing is said of those`);
  return lines;
}
