import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describeError } from '../error/engine-error.ts';
import type { CallAnswer } from '../flow/process-code.ts';
import { type Clock, fixedClock } from '../time/clock.ts';
import { CaseMemory } from './case/case-memory.ts';
import { checkCases } from './case/check-case.ts';
import { judgeRun } from './case/judge-run.ts';
import { type OverriddenTables, overriddenTables } from './case/lookup-overrides.ts';
import { messageOf } from './case/message-of.ts';
import { readTestFile, type TestFile } from './case/read-test-file.ts';
import type { CaseReport, Failure, TestReport } from './case/report.ts';
import { type MessageRun, runLeft, runMessage } from './case/run-message.ts';
import type { Definition } from './definition.ts';
import type { PlacedCase, ScriptedAnswer } from './grammar/test-form.ts';
import { type Problems, problemList } from './problem.ts';
import { type ReadOptions, readProduction } from './read.ts';

export interface TestOptions extends Omit<ReadOptions, 'clock' | 'lookups' | 'assume'> {
  /** Runs only the cases whose name contains this text. */
  readonly only?: string;
}

/**
 * Runs the cases of a production's `production.test.yaml`: each sends one message through the
 * rules, transforms and processes, with a fixed clock, no network and nothing stored.
 */
export async function testProduction(folder: string, options: TestOptions): Promise<TestReport> {
  const started = performance.now();
  const problems = problemList();
  const absolute = resolve(folder);
  const file = await readTestFile(absolute, problems);
  const read = await readForTest(absolute, options, file);
  const all = (): TestReport['problems'] => [...read.problems, ...problems.list()];
  const { definition } = read;
  if (file !== undefined && definition !== undefined) {
    checkCases(file.cases, definition, problems);
  }
  const cases: CaseReport[] = [];
  if (file !== undefined && definition !== undefined && !problems.failed) {
    const running = { definition, clock: read.clock, tables: read.tables() };
    for (const one of chosen(file, options.only, problems)) {
      cases.push(await runCase(one, running));
    }
  }
  const failed = cases.filter(({ failures }) => failures.length > 0).length;
  return {
    production: definition?.name ?? '',
    problems: all(),
    cases,
    passed: cases.length - failed,
    failed,
    took: performance.now() - started,
  };
}

async function readForTest(folder: string, options: TestOptions, file: TestFile | undefined) {
  let tables: OverriddenTables | undefined;
  const clock = fixedClock(file?.clock ?? 0);
  const read = await readProduction(folder, {
    ...options,
    assume: true,
    clock,
    overlays: [...(file?.overlays ?? []), ...(options.overlays ?? [])],
    environment: { ...(options.environment ?? process.env), ...file?.environment },
    lookups: (real) => (tables = overriddenTables(real)),
  });
  return { ...read, clock, tables: () => tables };
}

function chosen(
  { cases }: TestFile,
  only: string | undefined,
  problems: Problems,
): readonly PlacedCase[] {
  const some = cases.filter(({ name }) => only === undefined || name?.includes(only) === true);
  if (some.length === 0 && only !== undefined) {
    const place = cases[0]?.place ?? { file: '', line: 1, column: 1 };
    problems.error(
      place,
      '',
      `there is no case with ${only} in its name`,
      'Give another part of the name.',
    );
  }
  return some;
}

interface Running {
  readonly definition: Definition;
  readonly clock: Clock;
  readonly tables: OverriddenTables | undefined;
}

async function runCase(one: PlacedCase, running: Running): Promise<CaseReport> {
  const started = performance.now();
  return {
    name: one.name ?? '',
    place: one.place,
    failures: await failuresOf(one, running),
    took: performance.now() - started,
  };
}

async function failuresOf(
  one: PlacedCase,
  { definition, clock, tables }: Running,
): Promise<readonly Failure[]> {
  const { folder, services } = definition;
  try {
    tables?.override(
      new Map([...(one.lookups ?? [])].map(([table, { value }]) => [table, textsOf(value)])),
    );
    const answers = await scriptedAnswers(one, folder);
    const memory = new CaseMemory(clock);
    const received = await Promise.all(
      (one.receives ?? []).map((given) => messageOf(given, folder)),
    );
    const dry = {
      definition,
      clock,
      memory,
      receive: () => received.shift(),
      answer: (target: string) => answers.get(target)?.shift(),
    };
    const runs: MessageRun[] = [];
    for (const { in: service = one.in, ...given } of [one, ...(one.next ?? [])]) {
      const run = await runMessage(
        dry,
        service ?? [...services.keys()][0] ?? '',
        await messageOf(given, folder),
      );
      runs.push(run);
    }
    const run = together([...runs, ...(await runLeft(dry))]);
    const unused = [...answers].flatMap(([target, left]) =>
      left.length === 0
        ? []
        : [{ at: `calls of ${target}`, expected: `${left.length} more`, actual: 'none' }],
    );
    if (received.length > 0) {
      unused.push({ at: 'receives', expected: `${received.length} more`, actual: 'none' });
    }
    return [...(await judgeRun(one, run, folder)), ...unused];
  } catch (error) {
    return [{ at: 'the case', expected: 'to run', actual: describeError(error).text }];
  }
}

/** What happened to the messages of a case, as if it were one. */
function together(runs: readonly MessageRun[]): MessageRun {
  return {
    sent: runs.flatMap(({ sent }) => sent),
    processes: runs.flatMap(({ processes }) => processes),
    reply: runs.findLast(({ reply }) => reply !== undefined)?.reply,
  };
}

function textsOf(
  named: ReadonlyMap<string, { readonly value: string }>,
): ReadonlyMap<string, string> {
  return new Map([...named].map(([key, { value }]) => [key, value]));
}

async function scriptedAnswers(
  { calls }: PlacedCase,
  folder: string,
): Promise<Map<string, CallAnswer[]>> {
  const answers = new Map<string, CallAnswer[]>();
  for (const [target, { value }] of calls ?? []) {
    answers.set(target, await Promise.all(value.map((one) => answerOf(one, folder))));
  }
  return answers;
}

async function answerOf(
  { status, code, text, error, retryable, type, body, content }: ScriptedAnswer,
  folder: string,
): Promise<CallAnswer> {
  const file = body === undefined ? undefined : await readFile(resolve(folder, body));
  return {
    status,
    code,
    text,
    ...(error !== undefined && { error: { code: error, retryable } }),
    type,
    body: file ?? (content === undefined ? undefined : Buffer.from(content)),
  };
}
