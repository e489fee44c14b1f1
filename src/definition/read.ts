import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import type { FindEdifactProfile } from '../document/edi/profile/edifact-profile.ts';
import { isSystemError, tolerate } from '../error/foreseen.ts';
import { type ExpressionEnvironment, expressionEnvironment } from '../expression/environment.ts';
import { Given } from '../expression/given.ts';
import { lookupTables } from '../lookup/file-tables.ts';
import { LoadedTables } from '../lookup/loaded-tables.ts';
import type { LookupTables } from '../lookup/lookup-tables.ts';
import type { Profile } from '../rule/profile/profile.ts';
import { readProfile } from '../rule/profile/read-profile.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import type { Transform } from '../transform/transform.ts';
import { checkWhole } from './check/check.ts';
import type { Definition, ProductionSettings } from './definition.ts';
import {
  type AdapterCatalogue,
  type Adapters,
  type AnyAdapter,
  findAdapters,
} from './find-adapter.ts';
import type { Named, Reading } from './form/form.ts';
import { textOf } from './form/setting-form.ts';
import { HOST_NAME } from './grammar/name-rule.ts';
import {
  type ProductionValues,
  productionForm,
  type SettingsGiven,
} from './grammar/production-form.ts';
import { importsOf } from './module-graph.ts';
import {
  edifactProfiles,
  type ProductionNames,
  productionNames,
  unfitKey,
  unknownLookup,
} from './names.ts';
import { type Problem, type Problems, problemList } from './problem.ts';
import { readContext } from './read-context.ts';
import { readCredentialEntry } from './read-credentials.ts';
import {
  type ProcessReading,
  readLookup,
  readOperation,
  readProcess,
  readService,
} from './read-hosts.ts';
import { filesUnder, readTransforms, type TransformsReading, yamlFile } from './read-transforms.ts';
import { fillFor, type ValueSource } from './written/fill.ts';
import { loadProduction } from './written/load.ts';
import type { OpenFiles } from './written/open-files.ts';
import { pathText, placeAt, valueAt, type Written, type WrittenScalar } from './written/written.ts';

export interface ReadOptions {
  /** The built-in adapters, by type. */
  readonly adapters: AdapterCatalogue | readonly AnyAdapter[];
  /** Names of overlays, each applied over what came before. */
  readonly overlays?: readonly string[];
  /** Where `${env:NAME}` comes from. Default: the process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where `${secret:NAME}` comes from. Default: there are none. */
  readonly secrets?: ValueSource['secrets'];
  /**
   * Assumes that missing secrets, files and environment variables of credentials are present: for
   * checks and tests on other machines.
   */
  readonly assume?: boolean;
  /**
   * What `now()` in expressions returns, and what the expiry of certificates is checked against.
   * Default: the system's clock.
   */
  readonly clock?: Clock;
  /** Placed between expressions and the code tables; a production test replaces entries there. */
  readonly lookups?: (tables: LookupTables) => LookupTables;
  /** The rows of tables that are loaded while the production runs. Left out, there are none. */
  readonly loaded?: LoadedTables | undefined;
  /** What an editor holds of the production's YAML files and tables; code is read from disk. */
  readonly open?: OpenFiles | undefined;
  /** Reads only what a test of this host's connection needs, whatever is wrong elsewhere. */
  readonly host?: string;
}

export interface ReadProduction {
  /** Undefined if there is any error; there may be warnings with a definition. */
  readonly definition?: Definition;
  readonly problems: readonly Problem[];
}

/**
 * Reads and checks the production in a folder completely: every problem at once, each with its
 * place, and nothing is started or connected. Never throws because of what a production contains.
 */
export async function readProduction(
  folder: string,
  options: ReadOptions,
): Promise<ReadProduction> {
  const problems = problemList();
  const absolute = resolve(folder);
  const { open, overlays = [], host } = options;
  const loaded = await loadProduction(absolute, overlays, { problems, open });
  if (loaded === undefined) return { problems: problems.list() };
  const source: ValueSource = {
    folder: absolute,
    environment: options.environment ?? process.env,
    secrets: options.secrets ?? (() => undefined),
    assume: options.assume,
    open,
  };
  const written = await fillFor(host, loaded.written, { source, problems });
  const names = productionNames(loaded.written);
  const adapters = await findAdapters(written, {
    folder: absolute,
    builtIn: options.adapters,
    problems,
  });
  const tables = await readLookups(written, absolute, { problems, options });
  const { lookups } = tables;
  const clock = options.clock ?? systemClock;
  const profiles = new Map<string, Profile>();
  const edifact = edifactProfiles(names, profiles);
  const language = languageOf(names, lookups, { clock, edifact });
  const context = { ...readContext(absolute, names, language), edifact };
  const reading: Reading = { problems, keys: [], context };
  const values = productionForm.read(written, reading);
  tables.read(values?.lookups);
  const parts = { source, language, names, edifact, reading };
  const profileFiles = await readProfiles(written, parts, { tables: lookups, profiles });
  const transforms = await readTransforms(written, parts);
  if (values === undefined) return { problems: problems.list() };
  const definition = compose({
    folder: absolute,
    written,
    values,
    adapters,
    names,
    language,
    reading,
    lookups,
    ...transforms,
    profiles,
    files: [
      ...profileFiles,
      ...[loaded, adapters, transforms, tables].flatMap((one) => [...one.files]),
    ],
  });
  if (definition === undefined) return { problems: problems.list() };
  if (host === undefined) {
    await checkWhole({ definition, written, names, problems, open }, clock.now());
  }
  if (problems.failed) return { problems: problems.list() };
  return { definition: await withDigests(definition, open), problems: problems.list() };
}

async function withDigests(
  definition: Definition,
  open: OpenFiles | undefined,
): Promise<Definition> {
  const files = [...definition.files, ...definition.files.flatMap((file) => [...importsOf(file)])];
  // nothing is applied of what an editor holds
  const found = open === undefined ? await digests(files) : new Map<string, string>();
  return { ...definition, files, source: { ...definition.source, digests: found } };
}

const languageOf = (
  names: ProductionNames,
  lookups: LookupTables,
  { clock, edifact }: { readonly clock: Clock; readonly edifact: FindEdifactProfile },
): ExpressionEnvironment =>
  expressionEnvironment({
    lookups,
    edifact,
    now: () => clock.now(),
    keyProblem: (name) => unfitKey(name, names),
  });

/**
 * Hashes of the files that exist, by path: a changed file is noticed without keeping its content.
 * That of a module covers the modules it imports as well.
 */
async function digests(files: Iterable<string>): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(
    [...new Set(files)].map(async (file) => {
      const imported = [...importsOf(file)].toSorted();
      const own = await contentHash(file);
      if (own === undefined || imported.length === 0) return [file, own] as const;
      const all = await Promise.all(imported.map(contentHash));
      const hash = createHash('sha256').update([own, ...all].join('\n'));
      return [file, hash.digest('hex')] as const;
    }),
  );
  return new Map(found.flatMap(([file, hash]) => (hash === undefined ? [] : [[file, hash]])));
}

async function contentHash(file: string): Promise<string | undefined> {
  try {
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  } catch (error) {
    // removed since it was read, which counts as a difference
    return tolerate(error, isSystemError, 'reading a file of the production');
  }
}

interface ReadLookups {
  readonly lookups: LookupTables;
  /** Called once it is known how old the rows of those may become that are loaded from elsewhere. */
  read(entries: ProductionValues['lookups']): void;
  /** Absolute paths. */
  readonly files: readonly string[];
}

/** Reads every file under `lookups`; problems are reported at their line. What is loaded from elsewhere is only named. */
async function readLookups(
  written: Written,
  folder: string,
  { problems, options }: { readonly problems: Problems; readonly options: ReadOptions },
): Promise<ReadLookups> {
  const entries = new Map(lookupEntries(written));
  const files = new Map(
    [...entries].map(([name, value]) => [name, resolve(folder, textOf(value) ?? '')] as const),
  );
  const stale = loadedNames(written);
  const { loaded = new LoadedTables(), open } = options;
  const lookups = await lookupTables(files, { names: stale, loaded }, (file) =>
    bytesOf(file, open),
  );
  for (const { table, file, line, what, remedy } of lookups.problems) {
    const entry = entries.get(table);
    const place =
      entry !== undefined && what.startsWith('the file')
        ? entry.place
        : { file: relative(folder, file), line, column: 1 };
    problems.error(place, pathText(['lookups', table]), what, remedy);
  }
  return {
    lookups: options.lookups?.(lookups) ?? lookups,
    files: [...files.values()],
    read(given) {
      for (const { name, value } of given?.values() ?? []) {
        if (typeof value !== 'string') stale.set(name, value.stale);
      }
    },
  };
}

async function bytesOf(file: string, open: OpenFiles | undefined): Promise<Uint8Array> {
  const text = open?.get(file);
  return text === undefined ? readFile(file) : Buffer.from(text);
}

function* lookupEntries(written: Written): Generator<[string, WrittenScalar]> {
  const block = valueAt(written, ['lookups']);
  for (const [name, { value }] of block?.kind === 'block' ? block.entries : []) {
    if (value.kind === 'scalar' && textOf(value) !== undefined) yield [name, value];
  }
}

/** Of the tables that are loaded from elsewhere; how old they may be is known once the form is read. */
function loadedNames(written: Written): Map<string, number> {
  const block = valueAt(written, ['lookups']);
  const entries = block?.kind === 'block' ? [...block.entries] : [];
  return new Map(
    entries.flatMap(([name, { value }]) =>
      value.kind === 'block' ? [[name, Number.POSITIVE_INFINITY] as const] : [],
    ),
  );
}

/** All that was read, from which a definition is made. */
interface FilesRead extends ProcessReading {
  readonly folder: string;
  readonly written: Written;
  readonly values: ProductionValues;
  readonly adapters: Adapters;
  readonly reading: Reading;
  readonly lookups: LookupTables;
  readonly transforms: ReadonlyMap<string, Transform>;
  readonly profiles: Definition['profiles'];
  readonly files: readonly string[];
}

/**
 * Makes the definition from what was written, and reports the problems of each host. Undefined if
 * too little could be read.
 */
function compose(read: FilesRead): Definition | undefined {
  const { folder, written, adapters, values, reading, lookups, transforms, profiles, files } = read;
  if (values.settings === undefined) return undefined;
  const at = (section: string, name: string): Reading => ({
    ...reading,
    keys: [section, name],
  });
  const name = productionName(values.production, written, reading);
  const processes = mapOf(values.processes, (entry) =>
    readProcess(entry, read, at('processes', entry.name)),
  );
  return {
    name,
    title: values.title ?? name,
    folder,
    settings: productionSettings(values.settings),
    services: mapOf(values.services, (entry) =>
      readService(entry, adapters, at('services', entry.name)),
    ),
    processes,
    operations: mapOf(values.operations, (entry) =>
      readOperation(entry, adapters, at('operations', entry.name)),
    ),
    transforms,
    profiles,
    lookups,
    lookupSources: mapOf(values.lookups, (entry) =>
      readLookup(entry, adapters, at('lookups', entry.name)),
    ),
    credentials: mapOf(values.credentials, (entry) =>
      readCredentialEntry(entry, at('credentials', entry.name)),
    ),
    alerts: alertSettings(values.alerts),
    files: [...files, ...[...processes.values()].flatMap(({ code }) => code ?? [])],
    placeOf: (keys) => (valueAt(written, keys) === undefined ? undefined : placeAt(written, keys)),
    source: { written, digests: new Map() },
  };
}

function mapOf<Given, Value>(
  entries: ReadonlyMap<string, Named<Given>> | undefined,
  read: (entry: Named<Given>) => Value | undefined,
): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const [name, entry] of entries ?? []) {
    const value = read(entry);
    if (value !== undefined) values.set(name, value);
  }
  return values;
}

function productionName(given: string | undefined, written: Written, reading: Reading): string {
  if (given === undefined) return '';
  const problem = HOST_NAME.problem(given);
  if (problem !== undefined) {
    reading.problems.error(placeAt(written, ['production'], 'value'), 'production', problem);
  }
  return given;
}

function productionSettings(given: SettingsGiven): ProductionSettings {
  const { search, ...rest } = given;
  const paths = [...(search ?? [])].map(([name, { value }]) => [name, value] as const);
  return { ...rest, search: new Map(paths) };
}

function alertSettings(given: ProductionValues['alerts']): Definition['alerts'] {
  return given?.to === undefined ? undefined : { to: given.to, every: given.every };
}

interface ProfilesRead {
  readonly tables: LookupTables;
  /** Gets each profile. */
  readonly profiles: Map<string, Profile>;
}

/** Reads every file under `profiles`; problems are reported at their place in it. Returns absolute paths. */
async function readProfiles(
  written: Written,
  parts: TransformsReading,
  { tables, profiles }: ProfilesRead,
): Promise<string[]> {
  const entries = filesUnder(written, 'profiles');
  const problem = (name: string): string | undefined => {
    const text = unknownLookup(name, parts.names);
    return text && `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  };
  for (const entry of entries) {
    const given = await yamlFile(entry, parts, 'profiles');
    if (given === undefined) continue;
    const { value, reading } = given;
    const profile = readProfile(entry.name, new Given(value, [], reading), { tables, problem });
    profiles.set(entry.name, profile);
  }
  return entries.map(({ file }) => resolve(parts.source.folder, file));
}
