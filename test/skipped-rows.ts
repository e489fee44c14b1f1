import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reporter, TestModule, Vitest } from 'vitest/node';

/** A row of the table of sign-in problems, with its test files below `test/`. */
export interface ProblemRow {
  readonly number: number;
  readonly files: readonly string[];
}

/** The rows under “Common problems” of `docs/sign-in.md`. */
export function problemRows(page: string): ProblemRow[] {
  const [, table = ''] = page.split('## Common problems');
  return [...table.matchAll(/^\| (\d+) \|.*\| ([^|]+) \|$/gm)].map(([, number, cell = '']) => ({
    number: Number(number),
    files: [...cell.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
  }));
}

/**
 * Names at the end the skipped tests of files in that table, since a skipped test shows nothing. Where everything that
 * the tests need is installed (`WAYBILL_ALL_SERVERS`, set by `.ci/run`), one of them fails the run.
 */
export class SkippedRows implements Reporter {
  #isPart = false;

  onInit({ config }: Vitest): void {
    // with a pattern of names most tests are left out as is wished
    this.#isPart = config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (this.#isPart) return;
    const page = join(import.meta.dirname, '../docs/sign-in.md');
    const files = new Set(problemRows(readFileSync(page, 'utf8')).flatMap((row) => row.files));
    for (const { relativeModuleId, children } of modules) {
      if (!files.has(relativeModuleId.replace(/^test\//, ''))) continue;
      for (const test of children.allTests('skipped')) {
        process.stdout.write(`skipped: ${relativeModuleId} > ${test.fullName}\n`);
        if (process.env['WAYBILL_ALL_SERVERS'] !== undefined) process.exitCode = 1;
      }
    }
  }
}
