import { relative } from 'node:path';
import type { SettingsFault } from '../../adapter/adapter.ts';
import type { Definition, OperationDefinition, ServiceDefinition } from '../definition.ts';
import type { Problems } from '../problem.ts';
import { pathText } from '../written/written.ts';

/** Asks each adapter what is wrong with the settings of its hosts together, and with the files they name. */
export async function checkSettings(definition: Definition, problems: Problems): Promise<void> {
  for (const [section, hosts] of [
    ['services', definition.services],
    ['operations', definition.operations],
  ] as const) {
    for (const host of hosts.values()) {
      for (const fault of await faultsOf(host)) {
        report(definition, { section, host, fault }, problems);
      }
    }
  }
}

async function faultsOf({
  adapter,
  settings,
}: ServiceDefinition | OperationDefinition): Promise<readonly SettingsFault[]> {
  return (await adapter.check?.(settings)) ?? [];
}

function report(
  definition: Definition,
  {
    section,
    host,
    fault,
  }: {
    readonly section: string;
    readonly host: ServiceDefinition | OperationDefinition;
    readonly fault: SettingsFault;
  },
  problems: Problems,
): void {
  const { path, place: there, what, remedy, severity = 'error' } = fault;
  const keys = [section, host.name, 'settings', ...path];
  const place =
    there === undefined
      ? placeOf(definition, keys, host)
      : { ...there, file: relative(definition.folder, there.file) };
  problems[severity](place, pathText(keys), what, remedy);
}

/** Of the setting, or of the nearest above it that was written. */
function placeOf(
  definition: Definition,
  keys: readonly string[],
  host: ServiceDefinition | OperationDefinition,
): ServiceDefinition['place'] {
  for (let length = keys.length; length > 2; length--) {
    const place = definition.placeOf(keys.slice(0, length));
    if (place !== undefined) return place;
  }
  return host.place;
}
