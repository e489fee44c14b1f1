import { productionDifference } from '../difference.ts';
import type { ReadOptions } from '../read.ts';
import { readProduction } from '../read.ts';
import { testProduction } from '../test-production.ts';
import { versionOf } from '../version-of.ts';
import type { CheckedFiles } from './checked-files.ts';
import { type Contents, stagedFolder } from './staged-folder.ts';

export interface FilesToCheck {
  readonly folder: string;
  readonly before: Contents;
  readonly after: Contents;
  readonly tests: boolean;
}

/** The most failed cases, and differences of one, that are told. */
const TOLD = 50;

/**
 * Reads, checks, compares and tests two states of a production's files, of which neither has to be on disk. Code of the
 * production is run: do this in a thread that can be ended.
 */
export async function checkFiles(
  { folder, before, after, tests }: FilesToCheck,
  options: Omit<ReadOptions, 'assume'>,
): Promise<CheckedFiles> {
  await using staged = await stagedFolder(folder);
  const read = () => readProduction(staged.path, { ...options, assume: true });
  await staged.hold(before);
  const { definition: old } = await read();
  await staged.hold(after);
  const { definition, problems } = await read();
  return {
    problems: problems.map((one) => ({ ...one, what: one.what.replaceAll(staged.path, folder) })),
    ...(definition === undefined ? {} : { version: versionOf(definition) }),
    ...(old === undefined || definition === undefined
      ? {}
      : { difference: productionDifference(old, definition) }),
    ...(tests && definition !== undefined ? { tests: await tested(staged.path, options) } : {}),
  };
}

async function tested(
  folder: string,
  options: Omit<ReadOptions, 'assume'>,
): Promise<CheckedFiles['tests']> {
  const { clock: _clock, lookups: _lookups, ...rest } = options;
  const { passed, failed, cases } = await testProduction(folder, rest);
  const failures = cases
    .filter((one) => one.failures.length > 0)
    .slice(0, TOLD)
    .map(({ name, place: { file, line }, failures: all }) => ({
      name,
      file,
      line,
      what: all
        .slice(0, TOLD)
        .map(({ at, expected, actual }) => `${at}: ${expected} expected, not ${actual}`),
    }));
  return { passed, failed, failures };
}
