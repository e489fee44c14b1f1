import type { LookupTables } from '../lookup/lookup-tables.ts';
import type { Transform } from '../transform/transform.ts';
import type { Definition, ProductionSettings } from './definition.ts';
import type { Adapters } from './find-adapter.ts';
import type { Named, Reading } from './form/form.ts';
import { HOST_NAME } from './grammar/name-rule.ts';
import type { ProductionValues } from './grammar/production-form.ts';
import { readCredentialEntry } from './read-credentials.ts';
import { type ProcessReading, readOperation, readProcess, readService } from './read-hosts.ts';
import { placeAt, valueAt, type Written } from './written/written.ts';

type SettingsGiven = NonNullable<ProductionValues['settings']>;

export interface CompositionParts extends ProcessReading {
  readonly folder: string;
  readonly written: Written;
  readonly values: ProductionValues;
  readonly adapters: Adapters;
  readonly reading: Reading;
  readonly lookups: LookupTables;
  readonly transforms: ReadonlyMap<string, Transform>;
  readonly files: readonly string[];
}

/** Puts the definition together from what was written, and reports what is wrong with each host. Undefined if too little could be read. */
export function compose(parts: CompositionParts): Definition | undefined {
  const { folder, written, adapters, values, reading, lookups, transforms, files } = parts;
  if (values.settings === undefined) return undefined;
  const at = (section: string, name: string): Reading => ({
    ...reading,
    keys: [section, name],
  });
  const name = productionName(values.production, written, reading);
  const processes = mapOf(values.processes, (entry) =>
    readProcess(entry, parts, at('processes', entry.name)),
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
    lookups,
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
