import { resolve } from 'node:path';
import { type ExpressionEnvironment, expressionEnvironment } from '../expression/environment.ts';
import type { LookupTables } from '../lookup/lookup-tables.ts';
import { checkWhole } from './check/check.ts';
import type { Definition, ProductionSettings } from './definition.ts';
import { type Adapters, type AnyAdapter, findAdapters } from './find-adapter.ts';
import type { Named, Reading } from './form/form.ts';
import { HOST_NAME } from './grammar/name-rule.ts';
import { type ProductionValues, productionForm } from './grammar/production-form.ts';
import { type ProductionNames, productionNames } from './names.ts';
import { type Problem, problemList } from './problem.ts';
import { readContext } from './read-context.ts';
import { readCredentialEntry } from './read-credentials.ts';
import { readOperation, readService } from './read-hosts.ts';
import { readProcess } from './read-process.ts';
import { fill, type ValueSource } from './written/fill.ts';
import { type LoadedProduction, loadProduction } from './written/load.ts';
import { placeAt, valueAt, type Written } from './written/written.ts';

export interface ReadOptions {
  /** The built-in adapters, by type. */
  readonly adapters: readonly AnyAdapter[];
  /** Names of overlays, each laid over what came before. */
  readonly overlays?: readonly string[];
  /** Where `${env:NAME}` comes from. Default: the process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where `${secret:NAME}` comes from. Default: there are none. */
  readonly secrets?: ValueSource['secrets'];
  /** Milliseconds since 1970, by which certificates are judged. Default: the system's clock. */
  readonly now?: number;
}

export interface ReadProduction {
  /** Undefined if there is any error; a definition may come with warnings. */
  readonly definition?: Definition;
  readonly problems: readonly Problem[];
}

/**
 * Reads and checks the production in a folder completely: every problem at once, each with its
 * place, and nothing is started or connected. Never throws for what a production contains.
 */
export async function readProduction(
  folder: string,
  options: ReadOptions,
): Promise<ReadProduction> {
  const problems = problemList();
  const absolute = resolve(folder);
  const loaded = await loadProduction(absolute, options.overlays ?? [], problems);
  if (loaded === undefined) return { problems: problems.list() };
  const { environment = process.env, secrets = () => undefined } = options;
  const written = await fill(loaded.written, { folder: absolute, environment, secrets }, problems);
  const adapters = await findAdapters(written, {
    folder: absolute,
    builtIn: options.adapters,
    problems,
  });
  const names = productionNames(written);
  const lookups: LookupTables = {
    names: [...names.lookups],
    lookup: (_, __, otherwise = '') => otherwise,
  };
  const language = expressionEnvironment({ lookups });
  const reading: Reading = {
    problems,
    keys: [],
    context: readContext(absolute, names, language),
  };
  const values = productionForm.read(written, reading);
  if (values?.settings === undefined) return { problems: problems.list() };
  const { settings } = values;
  const definition = compose({
    absolute,
    loaded,
    written,
    adapters,
    reading,
    lookups,
    names,
    language,
    values: { ...values, settings },
  });
  await checkWhole({ definition, written, names, problems }, options.now ?? Date.now());
  return problems.failed
    ? { problems: problems.list() }
    : { definition, problems: problems.list() };
}

type SettingsGiven = NonNullable<ProductionValues['settings']>;

interface Parts {
  readonly absolute: string;
  readonly loaded: LoadedProduction;
  readonly written: Written;
  readonly adapters: Adapters;
  readonly values: ProductionValues & { readonly settings: SettingsGiven };
  readonly reading: Reading;
  readonly lookups: LookupTables;
  readonly names: ProductionNames;
  readonly language: ExpressionEnvironment;
}

function compose(parts: Parts): Definition {
  const { absolute, loaded, written, adapters, values, reading, lookups, names, language } = parts;
  const at = (section: string, name: string): Reading => ({
    ...reading,
    keys: [section, name],
  });
  const name = productionName(values.production, written, reading);
  return {
    name,
    title: values.title ?? name,
    folder: absolute,
    settings: productionSettings(values.settings),
    services: mapOf(values.services, (entry) =>
      readService(entry, adapters, at('services', entry.name)),
    ),
    processes: mapOf(values.processes, (entry) =>
      readProcess(entry, { names, language }, at('processes', entry.name)),
    ),
    operations: mapOf(values.operations, (entry) =>
      readOperation(entry, adapters, at('operations', entry.name)),
    ),
    transforms: new Map(),
    lookups,
    credentials: mapOf(values.credentials, (entry) =>
      readCredentialEntry(entry, at('credentials', entry.name)),
    ),
    alerts: alertSettings(values.alerts),
    files: [...loaded.files, ...adapters.files],
    placeOf: (keys) => (valueAt(written, keys) === undefined ? undefined : placeAt(written, keys)),
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
