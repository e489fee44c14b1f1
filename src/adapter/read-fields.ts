import { nearest } from '../error/nearest.ts';
import {
  good,
  type Read,
  type ReadContext,
  type SettingProblem,
  type Settings,
  type ValuesOf,
} from './setting-type.ts';

/** Reads a block against its declaration: every problem at once, each with its path below the block. */
export function readFields<S extends Settings>(
  declared: S,
  given: Readonly<Record<string, unknown>>,
  context: ReadContext,
): Read<ValuesOf<S>> {
  const problems: SettingProblem[] = [];
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(declared, name)) continue;
    const near = nearest(name, Object.keys(declared));
    problems.push({
      path: [name],
      problem: `no such setting${near === undefined ? '' : `; did you mean ${near}?`}`,
    });
  }
  for (const [name, setting] of Object.entries(declared)) {
    const input = given[name] ?? setting.default;
    if (input === undefined && setting.optional !== true) {
      problems.push({ path: [name], problem: `is required. ${setting.help}` });
      continue;
    }
    const read = setting.read(input, context);
    if (read.ok) values[name] = read.value;
    else problems.push(...read.problems.map((one) => ({ ...one, path: [name, ...one.path] })));
  }
  return problems.length > 0 ? { ok: false, problems } : good(values as ValuesOf<S>);
}
