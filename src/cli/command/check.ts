import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { describeReport, junitXml, type TestReport } from '../../definition/case/report.ts';
import { portProblems } from '../../definition/check/ports.ts';
import type { Definition } from '../../definition/definition.ts';
import { describeProblem, type Problem } from '../../definition/problem.ts';
import { testProduction } from '../../definition/test-production.ts';
import { type CheckedFolder, checkFolder } from '../check-folder.ts';
import { hostCounts, plural } from '../counts.ts';
import { updateExpected, withEachDifference } from '../expected-files.ts';
import { print } from '../output.ts';
import { problemLine, type ReadingFlags, readingOptions, readOptions } from '../reading.ts';

interface CheckFlags extends ReadingFlags {
  readonly assumeSecrets?: boolean;
  readonly json?: boolean;
}

/** `waybill check`: every problem of one or several productions, each with its place. */
export function checkCommand(): Command {
  return readingOptions(new Command('check'))
    .description(
      'Checks productions completely without starting anything: every problem at once, with its place and what to do. Several are also checked for shared ports.',
    )
    .argument('<production...>', 'their folders')
    .option(
      '--assume-secrets',
      'assume that missing secrets, files and environment variables of credentials are present, as on a build server',
    )
    .option('--json', 'as JSON')
    .action(check);
}

interface Checked extends CheckedFolder {
  readonly folder: string;
}

async function check(folders: string[], flags: CheckFlags): Promise<void> {
  const options = { ...readOptions(flags), assume: flags.assumeSecrets === true };
  const checked: Checked[] = [];
  for (const folder of folders) {
    checked.push({ folder, ...(await checkFolder(folder, options)) });
  }
  const ports = await sharedPorts(checked);
  const problems = [...checked.flatMap((one) => one.problems), ...ports];
  if (problems.some(({ severity }) => severity === 'error')) process.exitCode = 1;
  if (flags.json === true) return print(JSON.stringify(checked.map(summary)));
  for (const one of checked) {
    for (const problem of one.problems) print(problemLine(problem, one.folder));
    print(conclusion(one));
  }
  for (const problem of ports) print(describeProblem(problem));
}

/** Ports within one production are already among its own problems. */
async function sharedPorts(checked: readonly Checked[]): Promise<Problem[]> {
  const [, ...more] = checked;
  if (more.length === 0) return [];
  return portProblems(
    checked.flatMap(({ folder, definition }) =>
      definition === undefined ? [] : [placedFromHere(definition, folder)],
    ),
  );
}

/** The definition with file names as seen from here, since its own are relative to its folder. */
function placedFromHere(definition: Definition, folder: string): Definition {
  return {
    ...definition,
    placeOf(keys) {
      const place = definition.placeOf(keys);
      return place === undefined ? undefined : { ...place, file: join(folder, place.file) };
    },
  };
}

function summary({ folder, definition, problems }: Checked) {
  return { folder, production: definition?.name, problems };
}

function conclusion({ folder, definition, problems }: Checked): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  if (definition === undefined || errors > 0)
    return `${folder}: ${errors} ${errors === 1 ? 'error' : 'errors'}`;
  const { name } = definition;
  const hosts = hostCounts(definition);
  const warnings = problems.length === 0 ? 'no problems' : plural(problems.length, 'warning');
  return `${name}: ${hosts}; ${warnings}`;
}

interface TestFlags extends ReadingFlags {
  readonly only?: string;
  readonly update?: boolean;
  readonly junit?: string;
  readonly json?: boolean;
}

/** `waybill test`: the cases of production.test.yaml. */
export function testCommand(): Command {
  return readingOptions(new Command('test'))
    .description(
      'Runs the cases of production.test.yaml: a message in, the messages expected at each target. Nothing is connected, stored or sent.',
    )
    .argument('<production>', 'its folder')
    .option('--only <text>', 'only the cases whose name contains this text')
    .option(
      '--update',
      'write what each message was into the files that say what it should be (body:); look at the changes before you keep them',
    )
    .option('--junit <file>', 'write a JUnit XML report for a build server')
    .option('--json', 'as JSON')
    .action(test);
}

async function test(folder: string, flags: TestFlags): Promise<void> {
  const { only, junit, update } = flags;
  const found = await testProduction(folder, {
    ...readOptions(flags),
    ...(only === undefined ? {} : { only }),
  });
  const updated = update === true ? await updateExpected(folder, found) : undefined;
  const report = withEachDifference(updated?.report ?? found);
  if (isBroken(report) || report.failed > 0) process.exitCode = 1;
  if (junit !== undefined) await writeFile(junit, junitXml(report));
  tellReport(folder, report, { files: updated?.files, json: flags.json });
}

const isBroken = ({ problems }: TestReport): boolean =>
  problems.some(({ severity }) => severity === 'error');

function tellReport(
  folder: string,
  report: TestReport,
  {
    files = [],
    json,
  }: { readonly files: readonly string[] | undefined; readonly json: boolean | undefined },
): void {
  if (json === true) return print(JSON.stringify({ ...report, updated: files }));
  if (isBroken(report)) {
    for (const problem of report.problems) print(problemLine(problem, folder));
    return;
  }
  for (const line of describeReport(report)) print(line);
  for (const file of files) print(`wrote ${join(folder, file)}`);
}
