import { resolve } from 'node:path';
import { consoleProblems } from '../access/sign-in/check-console.ts';
import { credentialProblems } from '../definition/check/credentials.ts';
import type { Definition } from '../definition/definition.ts';
import { type Problem, splitProblem } from '../definition/problem.ts';
import { type ReadOptions, readProduction } from '../definition/read.ts';

export interface CheckedFolder {
  readonly definition: Definition | undefined;
  readonly problems: readonly Problem[];
}

/** Everything that `waybill check` says of one production. */
export async function checkFolder(folder: string, options: ReadOptions): Promise<CheckedFolder> {
  const { assume = false } = options;
  const { definition, problems } = await readProduction(folder, options);
  const more =
    definition === undefined ? [] : await credentialProblems(definition, { ...options, assume });
  const ofConsole = await consoleFileProblems(folder, assume);
  return { definition, problems: [...problems.filter(isNotIn(more)), ...more, ...ofConsole] };
}

/** `console.yaml` is also in the folder: a mistake in it prevents `waybill run` from starting. */
async function consoleFileProblems(folder: string, assume: boolean): Promise<Problem[]> {
  const file = resolve(folder, 'console.yaml');
  const found = await consoleProblems(file, process.env, { assume });
  return found.map(({ text, line, column }) => {
    const place = { file: 'console.yaml', line, column };
    return { ...place, path: '', ...splitProblem(text), severity: 'error' };
  });
}

/** A missing file is reported once. */
const isNotIn =
  (more: readonly Problem[]) =>
  ({ path, severity }: Problem): boolean =>
    severity === 'error' || !more.some((other) => path.startsWith(`${other.path}.`));
