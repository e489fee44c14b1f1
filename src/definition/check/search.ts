import { pathProblem } from '../../expression/path-problem.ts';
import { splitProblem } from '../problem.ts';
import { pathText, placeAt } from '../written/written.ts';
import type { Checking } from './reach.ts';

/** What operators search by must be written as a path, or every search would find nothing. */
export function checkSearch({ definition, written, problems }: Checking): void {
  for (const [name, path] of definition.settings.search) {
    const problem = pathProblem(path);
    if (problem === undefined) continue;
    const keys = ['settings', 'search', name];
    const { what, remedy } = splitProblem(problem);
    problems.error(placeAt(written, keys, 'value'), pathText(keys), what, remedy);
  }
}
