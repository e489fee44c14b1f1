import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { describeReport, junitXml } from '../definition/case/report.ts';
import { testProduction } from '../definition/test-production.ts';
import { print } from './output.ts';
import { problemLine, type ReadingFlags, readingOptions, readOptions } from './reading.ts';

interface TestFlags extends ReadingFlags {
  readonly only?: string;
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
    .option('--junit <file>', 'write a JUnit XML report for a build server')
    .option('--json', 'as JSON')
    .action(test);
}

async function test(folder: string, { only, junit, json, ...flags }: TestFlags): Promise<void> {
  const report = await testProduction(folder, {
    ...readOptions(flags),
    ...(only === undefined ? {} : { only }),
  });
  const broken = report.problems.some(({ severity }) => severity === 'error');
  if (broken || report.failed > 0) process.exitCode = 1;
  if (junit !== undefined) await writeFile(junit, junitXml(report));
  if (json === true) return print(JSON.stringify(report));
  if (broken) {
    for (const problem of report.problems) print(problemLine(problem, folder));
    return;
  }
  for (const line of describeReport(report)) print(line);
}
