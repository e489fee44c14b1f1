import { extname, resolve } from 'node:path';
import type { FindEdifactProfile } from '../document/edi/profile/edifact-profile.ts';
import type { RecordMap } from '../document/records/record-map.ts';
import { isSystemError, unless } from '../error/foreseen.ts';
import type { ExpressionEnvironment } from '../expression/environment.ts';
import { Given, type GivenReading } from '../expression/given.ts';
import { callProblems } from '../transform/call-problems.ts';
import { moduleTransform } from '../transform/module-transform.ts';
import { readTransform } from '../transform/read-transform.ts';
import { readRecordMap } from '../transform/records/read-record-map.ts';
import { recordTransforms } from '../transform/records/record-transforms.ts';
import { SplitTransform } from '../transform/split-transform.ts';
import type { Transform } from '../transform/transform.ts';
import { type Reading, reportBelow } from './form/form.ts';
import { plain, textOf } from './form/setting-form.ts';
import { type Fault, loadModule } from './load-module.ts';
import { type ProductionNames, unknownTarget, unknownTransform } from './names.ts';
import { splitProblem } from './problem.ts';
import { fill, type ValueSource } from './written/fill.ts';
import { readText } from './written/open-files.ts';
import { readYaml } from './written/parse-blocks.ts';
import { pathText, placeAt, valueAt, type Written, type WrittenScalar } from './written/written.ts';

export interface TransformsReading {
  readonly source: ValueSource;
  readonly language: ExpressionEnvironment;
  readonly names: ProductionNames;
  readonly edifact: FindEdifactProfile;
  readonly reading: Reading;
}

export interface ReadTransforms {
  readonly transforms: ReadonlyMap<string, Transform>;
  /** Absolute paths. */
  readonly files: readonly string[];
}

/** Reads every file under `transforms`; problems are reported at their place in it. */
export async function readTransforms(
  written: Written,
  parts: TransformsReading,
): Promise<ReadTransforms> {
  const transforms = new Map<string, Transform>();
  const files: string[] = [];
  for (const entry of filesUnder(written, 'transforms')) {
    files.push(resolve(parts.source.folder, entry.file));
    const transform = isYaml(entry.file)
      ? await yamlTransform(entry, { ...parts, find: (other) => transforms.get(other) })
      : await codeTransform(entry, parts);
    if (transform !== undefined) transforms.set(entry.name, transform);
  }
  for (const entry of filesUnder(written, 'records')) {
    files.push(resolve(parts.source.folder, entry.file));
    const map = await recordMap(entry, parts);
    if (map === undefined) continue;
    for (const one of recordTransforms(entry.name, map)) transforms.set(one.name, one);
  }
  checkCalls(transforms, written, parts.reading);
  return { transforms, files };
}

export function filesUnder(written: Written, section: string): TransformEntry[] {
  const block = valueAt(written, [section]);
  const entries = block?.kind === 'block' ? [...block.entries] : [];
  return entries.flatMap(([name, { value }]) => {
    const file = value.kind === 'scalar' ? textOf(value) : undefined;
    return file === undefined || value.kind !== 'scalar' ? [] : [{ name, file, value }];
  });
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
  section = 'transforms',
): undefined {
  problems.error(value.place, pathText([section, name]), what, remedy);
  return undefined;
}

async function recordMap(
  entry: TransformEntry,
  parts: TransformsReading,
): Promise<RecordMap | undefined> {
  const given = await yamlFile(entry, parts, 'records');
  return given && readRecordMap(new Given(given.value, [], given.reading));
}

async function yamlTransform(
  entry: TransformEntry,
  parts: TransformsReading & {
    readonly find: (name: string) => Transform | undefined;
  },
): Promise<Transform | undefined> {
  const given = await yamlFile(entry, parts, 'transforms');
  if (given === undefined) return undefined;
  const { value, reading } = given;
  const { edifact, find } = parts;
  const transform = readTransform(entry.name, value, [], { ...reading, edifact, find });
  const { split } = transform.declaration;
  return split === undefined ? transform : new SplitTransform(transform, split);
}

/** The content of a separate YAML file, and where its problems are reported. */
export async function yamlFile(
  entry: TransformEntry,
  { names, language, reading, source }: TransformsReading,
  section: string,
): Promise<{ readonly value: unknown; readonly reading: GivenReading } | undefined> {
  const file = resolve(source.folder, entry.file);
  const text = await readText(file, source.open).catch(
    unless(isSystemError, 'reading a transform'),
  );
  if (text === undefined) {
    const remedy = `Paths are relative to the production's folder: this is ${file}.`;
    return reportFile(entry, reading, { what: 'the file cannot be read', remedy }, section);
  }
  const parsed = readYaml(entry.file, text, { problems: reading.problems, open: source.open });
  if (parsed === undefined) return undefined;
  const written = await fill(parsed, source, reading.problems);
  return {
    value: plain(written),
    reading: {
      environment: language,
      problem: (keys, problem, offset) =>
        reportBelow({ ...reading, keys: [] }, written, { keys, offset, ...splitProblem(problem) }),
      unknown: (kind, name) =>
        kind === 'target' ? unknownTarget(name, names) : unknownTransform(name, names),
    },
  };
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

/** Problems between transforms that call each other are found once all are read. */
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
