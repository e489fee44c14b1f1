import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkCases } from '../../definition/case/check-case.ts';
import { readTestFile, TEST_FILE } from '../../definition/case/read-test-file.ts';
import type { Definition } from '../../definition/definition.ts';
import { type Problem, problemList } from '../../definition/problem.ts';
import type { ReadOptions } from '../../definition/read.ts';
import type { OpenFiles } from '../../definition/written/open-files.ts';
import { checkFolder } from '../check-folder.ts';

/**
 * What `waybill check` says of a production as an editor holds it, of its test cases, and of the overlays that are open:
 * each of these is applied alone, and only what is wrong in it is told.
 */
export async function checkOpen(
  folder: string,
  { open, ...options }: ReadOptions & { readonly open: OpenFiles },
): Promise<readonly Problem[]> {
  const { definition, problems } = await checkFolder(folder, { ...options, open, assume: true });
  const ofTests = definition === undefined ? [] : await testProblems(folder, definition, open);
  const ofOverlays: Problem[] = [];
  for (const overlay of openOverlays(folder, open)) {
    const file = `overlays/${overlay}.yaml`;
    const overlays = [...(options.overlays ?? []), overlay];
    const read = await checkFolder(folder, { ...options, open, overlays, assume: true });
    ofOverlays.push(...read.problems.filter((one) => one.file === file));
  }
  return [...problems, ...ofTests, ...ofOverlays];
}

async function testProblems(
  folder: string,
  definition: Definition,
  open: OpenFiles,
): Promise<readonly Problem[]> {
  const path = join(folder, TEST_FILE);
  // a production need not have tests
  if (!open.has(path) && !existsSync(path)) return [];
  const problems = problemList();
  const file = await readTestFile(folder, problems, open);
  if (file !== undefined) checkCases(file.cases, definition, problems);
  return problems.list();
}

function openOverlays(folder: string, open: OpenFiles): string[] {
  const start = join(folder, 'overlays/');
  return [...open.keys()].flatMap((file) => {
    const name = file.startsWith(start) ? file.slice(start.length) : '';
    return /^[^/\\]+\.yaml$/.test(name) ? [name.replace(/\.yaml$/, '')] : [];
  });
}
