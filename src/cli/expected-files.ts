import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { CaseReport, Failure, JudgedBodies, TestReport } from '../definition/case/report.ts';
import { checkBelow } from '../definition/history/staged-folder.ts';
import { EngineError } from '../error/engine-error.ts';
import { isSystemError, unless } from '../error/foreseen.ts';
import { bodyDifferences } from './body-differences.ts';

/** The report with every difference of bodies at a place of its own, and without the bodies. */
export function withEachDifference(report: TestReport): TestReport {
  const cases = report.cases.map((one) => ({ ...one, failures: one.failures.flatMap(eachOf) }));
  return { ...report, cases };
}

function eachOf({ bodies, ...failure }: Failure): Failure[] {
  if (bodies?.expected === undefined) return [failure];
  const { expected, actual, type, charset } = bodies;
  const { places, more } = bodyDifferences(
    { bytes: expected, type, charset },
    { bytes: actual, type, charset },
  );
  // equal in all that is shown, such as all but the line ends
  if (places.length === 0) return [failure];
  const at = failure.at.replace(/, line \d+$/, '');
  return [
    ...places.map((one) => ({
      at: `${at}, ${one.at}`,
      expected: one.before ?? 'nothing',
      actual: one.after ?? 'nothing',
    })),
    ...(more === 0 ? [] : [{ at, expected: `${more} more places`, actual: 'that differ, too' }]),
  ];
}

export interface Updated {
  /** Without the failures that are gone. */
  readonly report: TestReport;
  /** The files that were written, as the cases name them. */
  readonly files: readonly string[];
}

/**
 * Writes what each message was into the files that say what it should be. Throws CONFIG_INVALID, with nothing written,
 * for a file of which two messages want different contents, or outside of the folder.
 */
export async function updateExpected(folder: string, report: TestReport): Promise<Updated> {
  const contents = new Map<string, JudgedBodies>();
  for (const { name, failures } of report.cases) {
    for (const { bodies } of failures) {
      if (bodies === undefined) continue;
      checkBelow(bodies.file.replace(/^\.\//, ''));
      const other = contents.get(bodies.file);
      if (other !== undefined && !Buffer.from(other.actual).equals(bodies.actual)) {
        throw new EngineError(
          'CONFIG_INVALID',
          `${bodies.file} is expected of messages that differ, the last in ${JSON.stringify(name)}: give each a file of its own`,
        );
      }
      contents.set(bodies.file, bodies);
    }
  }
  for (const [file, { actual }] of contents) await write(resolve(folder, file), actual);
  const cases = report.cases.map(withoutBodies);
  const failed = cases.filter(({ failures }) => failures.length > 0).length;
  const passed = cases.length - failed;
  return { report: { ...report, cases, failed, passed }, files: [...contents.keys()] };
}

const withoutBodies = (one: CaseReport): CaseReport => ({
  ...one,
  failures: one.failures.filter(({ bodies }) => bodies === undefined),
});

/** HL7 keeps the line ends that the file had; a new one gets those of editors. */
async function write(file: string, actual: Uint8Array): Promise<void> {
  const before = await readFile(file).catch(
    unless((error) => isSystemError(error, 'ENOENT'), 'reading what was expected'),
  );
  const isHl7 = /^(MSH|BHS|FHS)/.test(Buffer.from(actual).toString('latin1', 0, 3));
  const keepsReturns = before !== undefined && !before.includes(10);
  await mkdir(dirname(file), { recursive: true });
  const text = Buffer.from(actual).toString('latin1');
  const end = before?.includes('\r\n') === true ? '\r\n' : '\n';
  await writeFile(
    file,
    isHl7 && !keepsReturns ? Buffer.from(text.replaceAll('\r', end), 'latin1') : actual,
  );
}
