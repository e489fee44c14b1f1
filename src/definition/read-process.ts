import type { ExpressionEnvironment } from '../expression/environment.ts';
import { readRuleSets } from '../rule/read-rule-sets.ts';
import type { RuleSet } from '../rule/rule.ts';
import type { ProcessDefinition } from './definition.ts';
import { below, type Reading, report, reportBelow } from './form/form.ts';
import { plain } from './form/setting-form.ts';
import type { ProcessEntry } from './grammar/production-form.ts';
import { retryPolicy } from './grammar/retry-form.ts';
import { type ProductionNames, unknownTarget, unknownTransform } from './names.ts';
import { splitProblem } from './problem.ts';
import { hostCommon } from './read-host.ts';
import { type Line, readLine } from './read-line.ts';
import { valueAt } from './written/written.ts';

export interface ProcessReading {
  readonly names: ProductionNames;
  readonly language: ExpressionEnvironment;
}

const INLINE: Line = { pool: 1, order: 'fifo' };

/** A business process; undefined after its problems were reported. */
export function readProcess(
  entry: ProcessEntry,
  { names, language }: ProcessReading,
  reading: Reading,
): ProcessDefinition | undefined {
  const { value, written } = entry;
  const { rules, code } = value;
  checkWork(entry, reading);
  const invalid = value.invalid ?? 'suspend';
  const unknown = invalid === 'suspend' ? undefined : unknownTarget(invalid, names);
  if (unknown !== undefined) {
    reportBelow(reading, written, { keys: ['invalid'], ...splitProblem(unknown) });
  }
  const run = value.run ?? (code === undefined ? 'inline' : 'queued');
  if (run === 'inline') reportQueueKeys(entry, reading);
  const line = run === 'inline' ? INLINE : readLine(value, written, reading);
  return {
    kind: 'process',
    ...hostCommon(entry),
    run,
    rules: rules === undefined ? [] : ruleSets(entry, { names, language }, reading),
    code,
    to: value.to,
    validate: value.validate,
    invalid,
    ...line,
    whileWaiting: value.whileWaiting ?? (line.order === 'none' ? 'release' : 'hold'),
    retry: retryPolicy(value.retry, undefined),
  };
}

/** A process is a router or code, and says so in one way. */
function checkWork({ value, written, place }: ProcessEntry, reading: Reading): void {
  const { rules, code, to } = value;
  if ((rules === undefined) === (code === undefined)) {
    const what = rules === undefined ? 'needs rules or code' : 'cannot have both rules and code';
    report(reading, place, what, 'A router has rules; a process in TypeScript has code.');
  }
  if (rules !== undefined && to !== undefined) {
    const what = 'the rules say where they send, so to means nothing';
    reportBelow(reading, written, { keys: ['to'], what, remedy: 'Remove it.' });
  }
}

function ruleSets(
  { written }: ProcessEntry,
  { names, language }: ProcessReading,
  hostReading: Reading,
): RuleSet[] {
  const rules = valueAt(written, ['rules']);
  if (rules === undefined) return [];
  const reading = below(hostReading, 'rules');
  return readRuleSets(plain(rules), [], {
    environment: language,
    problem: (keys, text, offset) =>
      reportBelow(reading, rules, { keys, offset, ...splitProblem(text) }),
    unknown: (kind, name) =>
      kind === 'target' ? unknownTarget(name, names) : unknownTransform(name, names),
  });
}

/** An inline process has no queue, so what is said of one would be silently ignored. */
function reportQueueKeys({ written }: ProcessEntry, reading: Reading): void {
  for (const key of ['pool', 'order', 'whileWaiting', 'retry']) {
    if (valueAt(written, [key]) === undefined) continue;
    const what = `an inline process has no queue, so ${key} means nothing`;
    reportBelow(reading, written, {
      keys: [key],
      what,
      remedy: 'Remove it, or write run: queued.',
    });
  }
}
