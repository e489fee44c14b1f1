import type { Setting, Settings } from '../adapter/setting.ts';
import type {
  AdapterDescription,
  DescribedRule,
  DescribedSetting,
  HostDescription,
  ProductionDescription,
} from '../control/production-description.ts';
import type { Definition, HostDefinition } from '../definition/definition.ts';
import { edgesOf } from '../definition/edges.ts';
import { hostSettings, SECTIONS } from '../definition/grammar/host-settings.ts';
import type { Place } from '../definition/place.ts';
import type { Rule, RuleSet, Send } from '../rule/rule.ts';
import { describeDuration, milliseconds } from '../time/duration.ts';

/** The definition without code, compiled parts and secrets. */
export function describeProduction(definition: Definition): ProductionDescription {
  const { name, title, settings, alerts, services, processes, operations } = definition;
  const { search, ...rest } = settings;
  const adapters = [...services.values(), ...operations.values()].map(({ adapter }) => adapter);
  return {
    name,
    title,
    settings: { ...rest, search: Object.fromEntries(search) },
    alerts,
    hosts: [...services.values(), ...processes.values(), ...operations.values()].map((host) =>
      describeHost(definition, host),
    ),
    edges: edgesOf(definition),
    adapters: Object.fromEntries(
      adapters.map(({ type, title: named, summary, settings: declared }) => [
        type,
        { title: named, summary, settings: Object.fromEntries(meanings(declared, [])) },
      ]),
    ),
  };
}

function meanings(
  declared: Settings,
  above: readonly string[],
): [string, AdapterDescription['settings'][string]][] {
  return Object.entries(declared).flatMap(([key, { kind, help, advanced, fields }]) => {
    const path = [...above, key];
    return [
      [path.join('.'), { kind, help, advanced: advanced === true }],
      ...meanings(fields ?? {}, path),
    ];
  });
}

function describeHost(definition: Definition, host: HostDefinition): HostDescription {
  const { name, kind, title, comment, tags, enabled, schedule, alert, place } = host;
  const keys = [SECTIONS[kind], name];
  const placed = (path: readonly string[]): Place | undefined =>
    relative(definition, definition.placeOf([...keys, ...path]));
  const told = {
    name,
    kind,
    title,
    comment,
    tags,
    enabled,
    schedule,
    alert,
    place: relative(definition, place) ?? place,
    adapter: 'adapter' in host ? host.adapter.type : undefined,
    inline: host.kind === 'process' && host.run === 'inline',
    rules: 'rules' in host ? host.rules.flatMap(describeRules) : [],
  };
  const ofAdapter =
    'adapter' in host
      ? adapterSettings(host.adapter.settings, host.given, [], (path) =>
          placed(['settings', ...path]),
        )
      : [];
  const inList = (key: string): boolean => key !== 'settings' && !Object.hasOwn(told, key);
  const own = ownSettings(host, { inList, placeOf: placed, folder: definition.folder });
  return { ...told, settings: [...ofAdapter, ...own] };
}

type PlaceOf = (path: readonly string[]) => Place | undefined;

function adapterSettings(
  declared: Settings,
  given: Readonly<Record<string, unknown>>,
  above: readonly string[],
  placeOf: PlaceOf,
): DescribedSetting[] {
  return Object.entries(declared).flatMap(([key, setting]) => {
    const path = [...above, key];
    const value = given[key];
    if (setting.fields !== undefined && isBlock(value)) {
      return adapterSettings(setting.fields, value, path, placeOf);
    }
    return [described(setting, { path, value, placeOf })];
  });
}

function described(
  { default: standard }: Setting<unknown, unknown>,
  { path, value, placeOf }: { path: readonly string[]; value: unknown; placeOf: PlaceOf },
): DescribedSetting {
  return {
    path: path.join('.'),
    of: 'adapter',
    value: withoutPassword(value ?? standard ?? null),
    written: value !== undefined,
    place: placeOf(path),
  };
}

/** The settings of the host itself, as declared: each that is in the file or has a default. */
function ownSettings(
  host: HostDefinition,
  {
    inList,
    placeOf,
    folder,
  }: {
    readonly inList: (key: string) => boolean;
    readonly placeOf: PlaceOf;
    readonly folder: string;
  },
): DescribedSetting[] {
  const values: Readonly<Record<string, unknown>> = { ...host };
  const isInline = host.kind === 'process' && host.run === 'inline';
  return Object.entries(hostSettings[host.kind])
    .filter(([key, { ofQueue }]) => inList(key) && !(isInline && ofQueue === true))
    .flatMap(([key, declared]) => {
      const value = values[key];
      const fields = 'form' in declared ? declared.form.fields : undefined;
      if (fields === undefined || !isBlock(value)) {
        return [[key, inWords(value, declared), declared.help] as const];
      }
      return Object.entries(fields).map(
        ([inner, field]) => [`${key}.${inner}`, inWords(value[inner], field), field.help] as const,
      );
    })
    .filter(([, value]) => value !== undefined)
    .map(([path, value, help]) => {
      const place = placeOf(path.split('.'));
      return {
        path,
        of: 'host',
        value: plainValue(value, folder),
        written: place !== undefined,
        place,
        help,
      };
    });
}

/** A duration as it is written: of a number nobody knows what it counts. */
function inWords(value: unknown, declared: object): unknown {
  const { kind } = declared as { readonly kind?: unknown };
  if (kind !== 'duration' || typeof value !== 'number') return value;
  const text = describeDuration(value);
  return milliseconds(text) === value ? text : `${value}ms`;
}

/** As JSON: no end is `forever`, an expression is its source. */
function plainValue(value: unknown, folder: string): unknown {
  if (value === Number.POSITIVE_INFINITY) return 'forever';
  if (typeof value === 'string') return below(folder, value);
  if (!isBlock(value)) return value;
  if (typeof value['evaluate'] === 'function') return value['source'];
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, plainValue(inner, folder)]),
  );
}

function describeRules({ name: set, rules, otherwise }: RuleSet): DescribedRule[] {
  const own = rules.map(
    ({ name, when, send, disabled }: Rule): DescribedRule => ({
      set,
      name,
      when: when?.source,
      send: send.map(describeSend),
      disabled,
    }),
  );
  if (typeof otherwise === 'string') return own;
  const rest = { when: undefined, send: otherwise.map(describeSend), disabled: false };
  return [...own, { set, name: 'otherwise', ...rest }];
}

const describeSend = ({ to, transforms }: Send): DescribedRule['send'][number] => ({
  to,
  transforms,
});

const isBlock = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A URL may contain a password, although credentials exist for this. */
function withoutPassword(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/(\/\/[^/@\s:]*:)[^@/\s]+@/g, '$1•••@') : value;
}

function relative({ folder }: Definition, place: Place | undefined): Place | undefined {
  return place && { ...place, file: below(folder, place.file) };
}

/** Machines differ, and readers do not need the folder of a production. */
const below = (folder: string, file: string): string =>
  file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : file;
