import { join } from 'node:path';
import { isSystemError, unless } from '../../error/foreseen.ts';
import { expressionEnvironment } from '../../expression/environment.ts';
import { type PlacedCase, testFileForm } from '../grammar/test-form.ts';
import { productionNames } from '../names.ts';
import type { Problems } from '../problem.ts';
import { readContext } from '../read-context.ts';
import { type OpenFiles, readText } from '../written/open-files.ts';
import { parseYaml } from '../written/parse-yaml.ts';

export const TEST_FILE = 'production.test.yaml';

/** 2026-01-01T00:00:00Z: tests give the same bytes every day. */
const CLOCK = Date.UTC(2026, 0, 1);

export interface TestFile {
  /** Milliseconds since 1970. */
  readonly clock: number;
  readonly overlays: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cases: readonly PlacedCase[];
}

/** Reads `production.test.yaml`; undefined if it has problems, which are then reported. */
export async function readTestFile(
  folder: string,
  problems: Problems,
  open?: OpenFiles,
): Promise<TestFile | undefined> {
  const start = { file: TEST_FILE, line: 1, column: 1 };
  const text = await readText(join(folder, TEST_FILE), open).catch(
    unless(isSystemError, 'reading a test file'),
  );
  if (text === undefined) {
    const remedy = `Write cases in ${join(folder, TEST_FILE)}.`;
    problems.error(start, '', 'there is no test file', remedy);
    return undefined;
  }
  const written = parseYaml(TEST_FILE, text, problems);
  if (written === undefined) return undefined;
  const lookups = { names: [], lookup: () => '' };
  const context = readContext(folder, productionNames(written), expressionEnvironment({ lookups }));
  const read = testFileForm.read(written, { problems, keys: [], context });
  if (read?.cases === undefined) return undefined;
  const { clock = CLOCK, overlays = [], environment, cases } = read;
  return {
    clock,
    overlays,
    environment: Object.fromEntries(
      [...(environment ?? [])].map(([name, { value }]) => [name, value]),
    ),
    cases,
  };
}
