import type { Setting, Settings } from '../../adapter/setting.ts';
import type { Definition, HostDefinition } from '../definition.ts';
import { hostSettings, SECTIONS } from '../grammar/host-settings.ts';
import { shown, valueAt } from '../written/written.ts';
import { type Change, changes, isEqual } from './changes.ts';

/** A host in one of the two definitions. */
export interface HostOf {
  readonly definition: Definition;
  readonly host: HostDefinition;
}

/** In what a host differs, and whether it must be made anew for it. */
export function compareHost(
  before: HostOf,
  after: HostOf,
): { readonly changes: readonly Change[]; readonly restart: boolean } {
  const found = changes(writtenHost(before), writtenHost(after));
  const code = codeChange(before, after);
  const all = code === undefined ? found : [...found, code];
  const declared = hostSettings[after.host.kind];
  const needs = ({ path }: Change): boolean =>
    declared[/^\w+/.exec(path)?.[0] ?? '']?.change === undefined;
  return { changes: all, restart: all.some(needs) || usesChanged(before, after) };
}

function writtenHost({ definition, host }: HostOf): unknown {
  const written = valueAt(definition.source.written, [SECTIONS[host.kind], host.name]);
  return written === undefined ? {} : shown(written);
}

/** The file of a process or of an adapter of the production's own is the same, but not its content. */
function codeChange(before: HostOf, after: HostOf): Change | undefined {
  const { code: file } = after.host.kind === 'process' ? after.host : { code: undefined };
  const changed =
    file === undefined
      ? 'adapter' in after.host &&
        'adapter' in before.host &&
        after.host.adapter !== before.host.adapter
      : digest(before, file) !== digest(after, file);
  if (!changed) return undefined;
  return { path: file === undefined ? 'adapter' : 'code', before: 'as it was', after: 'changed' };
}

const digest = ({ definition }: HostOf, file: string): string | undefined =>
  definition.source.digests.get(file);

/** Whether a credential that the host signs in with has other values now. */
function usesChanged(before: HostOf, after: HostOf): boolean {
  const { host } = after;
  if (host.kind === 'process') return false;
  return [...credentialsIn(host.adapter.settings, host.settings)].some(
    (name) =>
      !isEqual(
        before.definition.credentials.get(name)?.values,
        after.definition.credentials.get(name)?.values,
      ),
  );
}

function* credentialsIn(
  declared: Settings,
  values: Readonly<Record<string, unknown>>,
): Generator<string> {
  for (const [key, setting] of Object.entries(declared)) yield* credentialsOf(setting, values[key]);
}

function* credentialsOf(setting: Setting<unknown, unknown>, value: unknown): Generator<string> {
  if (setting.kind === 'credential' && typeof value === 'string') yield value;
  else if (setting.kind === 'list' && Array.isArray(value) && setting.item !== undefined) {
    for (const item of value) yield* credentialsOf(setting.item, item);
  } else if (setting.kind === 'group' && typeof value === 'object' && value !== null) {
    yield* credentialsIn(setting.fields ?? {}, value as Readonly<Record<string, unknown>>);
  }
}
