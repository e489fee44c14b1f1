import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { isSystemError, unless } from '../error/foreseen.ts';
import type { ExpressionEnvironment } from '../expression/environment.ts';
import { callProblems } from '../transform/call-problems.ts';
import { moduleTransform } from '../transform/module-transform.ts';
import { readTransform } from '../transform/read-transform.ts';
import { SplitTransform } from '../transform/split-transform.ts';
import type { Transform } from '../transform/transform.ts';
import { type Reading, reportBelow } from './form/form.ts';
import { plain, textOf } from './form/setting-form.ts';
import { type Fault, loadModule } from './load-module.ts';
import { type ProductionNames, unknownTarget, unknownTransform } from './names.ts';
import { splitProblem } from './problem.ts';
import { fill, type ValueSource } from './written/fill.ts';
import { parseYaml } from './written/parse-yaml.ts';
import { pathText, placeAt, valueAt, type Written, type WrittenScalar } from './written/written.ts';

export interface TransformsReading {
  readonly source: ValueSource;
  readonly language: ExpressionEnvironment;
  readonly names: ProductionNames;
  readonly reading: Reading;
}

export interface ReadTransforms {
  readonly transforms: ReadonlyMap<string, Transform>;
  /** Absolute paths. */
  readonly files: readonly string[];
}

/** Reads every file under `transforms`; what is wrong in one is reported at its place there. */
export async function readTransforms(
  written: Written,
  parts: TransformsReading,
): Promise<ReadTransforms> {
  const transforms = new Map<string, Transform>();
  const files: string[] = [];
  const block = valueAt(written, ['transforms']);
  for (const [name, { value }] of block?.kind === 'block' ? block.entries : []) {
    const file = value.kind === 'scalar' ? textOf(value) : undefined;
    if (file === undefined || value.kind !== 'scalar') continue;
    files.push(resolve(parts.source.folder, file));
    const entry: TransformEntry = { name, file, value };
    const transform = isYaml(file)
      ? await yamlTransform(entry, { ...parts, find: (other) => transforms.get(other) })
      : await codeTransform(entry, parts);
    if (transform !== undefined) transforms.set(name, transform);
  }
  checkCalls(transforms, written, parts.reading);
  return { transforms, files };
}

const isYaml = (file: string): boolean => /^\.ya?ml$/.test(extname(file));

interface TransformEntry {
  readonly name: string;
  readonly file: string;
  readonly value: WrittenScalar;
}

function reportFile(
  { name, value }: TransformEntry,
  { problems }: Reading,
  { what, remedy }: Fault,
): undefined {
  problems.error(value.place, pathText(['transforms', name]), what, remedy);
  return undefined;
}

async function yamlTransform(
  entry: TransformEntry,
  parts: TransformsReading & { readonly find: (name: string) => Transform | undefined },
): Promise<Transform | undefined> {
  const { names, language, reading, source } = parts;
  const file = resolve(source.folder, entry.file);
  const text = await readFile(file, 'utf8').catch(unless(isSystemError, 'reading a transform'));
  if (text === undefined) {
    const remedy = `Paths count from the production's folder: this is ${file}.`;
    return reportFile(entry, reading, { what: 'the file cannot be read', remedy });
  }
  const parsed = parseYaml(entry.file, text, reading.problems);
  if (parsed === undefined) return undefined;
  const written = await fill(parsed, source, reading.problems);
  const transform = readTransform(entry.name, plain(written), [], {
    environment: language,
    problem: (keys, problem, offset) =>
      reportBelow({ ...reading, keys: [] }, written, { keys, offset, ...splitProblem(problem) }),
    unknown: (kind, name) =>
      kind === 'target' ? unknownTarget(name, names) : unknownTransform(name, names),
    find: parts.find,
  });
  const { split } = transform.declaration;
  return split === undefined ? transform : new SplitTransform(transform, split);
}

async function codeTransform(
  entry: TransformEntry,
  { source, reading }: TransformsReading,
): Promise<Transform | undefined> {
  const loaded = await loadModule(resolve(source.folder, entry.file));
  if ('fault' in loaded) return reportFile(entry, reading, loaded.fault);
  const transform = moduleTransform(entry.name, loaded.exported);
  return transform ?? reportFile(entry, reading, NO_FUNCTION);
}

const NO_FUNCTION: Fault = {
  what: 'the module has no function as its default export',
  remedy: 'Write: export default defineTransform(({ document }) => …).',
};

/** What is wrong between transforms that call each other is known once all are read. */
function checkCalls(
  transforms: ReadonlyMap<string, Transform>,
  written: Written,
  { problems }: Reading,
): void {
  for (const { transform, text } of callProblems(transforms)) {
    const keys = ['transforms', transform];
    const { what, remedy } = splitProblem(text);
    problems.error(placeAt(written, keys), pathText(keys), what, remedy);
  }
}
