import type { Setting, Settings } from '../adapter/setting.ts';
import type {
  AdapterDescription,
  DescribedRule,
  DescribedSetting,
  HostDescription,
  ProductionDescription,
} from '../control/production-description.ts';
import type {
  Definition,
  OperationDefinition,
  ProcessDefinition,
  QueueOrder,
  ServiceDefinition,
} from '../definition/definition.ts';
import { SECTIONS } from '../definition/difference/compare-host.ts';
import type { Place } from '../definition/place.ts';
import type { Rule, RuleSet, Send } from '../rule/rule.ts';
import { describeEdges } from './describe-edges.ts';

type AnyHost = ServiceDefinition | ProcessDefinition | OperationDefinition;

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
    edges: describeEdges(definition),
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

function describeHost(definition: Definition, host: AnyHost): HostDescription {
  const { name, kind, title, comment, tags, enabled, schedule, alert, place } = host;
  const keys = [SECTIONS[kind], name];
  const placed = (path: readonly string[]): Place | undefined =>
    relative(definition, definition.placeOf([...keys, ...path]));
  return {
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
    settings: [
      ...('adapter' in host
        ? adapterSettings(host.adapter.settings, host.given, [], (path) =>
            placed(['settings', ...path]),
          )
        : []),
      ...hostSettings(host, placed),
    ],
    rules: 'rules' in host ? host.rules.flatMap(describeRules) : [],
  };
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

/** What holds for the host whatever its adapter. Milliseconds are numbers; `forever` stands for no end. */
function hostSettings(host: AnyHost, placeOf: PlaceOf): DescribedSetting[] {
  const one = (path: string, value: unknown): DescribedSetting => {
    const place = placeOf(path.split('.'));
    return {
      path,
      of: 'host',
      value: value === Number.POSITIVE_INFINITY ? 'forever' : (value ?? null),
      written: place !== undefined,
      place,
    };
  };
  if (host.kind === 'service') return [one('to', host.to), one('duplicates', host.duplicates)];
  const line = [
    one('pool', host.pool),
    one('order', describeOrder(host.order)),
    ...(['every', 'for', 'backoff', 'max'] as const).map((key) =>
      one(`retry.${key}`, host.retry[key]),
    ),
  ];
  if (host.kind === 'operation') {
    const answers = one('answersTo', host.answersTo);
    return [...line, one('timeout', host.timeout), one('replies', host.replies), answers];
  }
  const process = [
    one('run', host.run),
    one('validate', host.validate),
    one('invalid', host.invalid),
  ];
  return host.run === 'inline' ? process : [...process, ...line];
}

function describeOrder(order: QueueOrder): unknown {
  if (typeof order === 'string') return order;
  return { byKey: order.byKey.source, partitions: order.partitions };
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

/** A URL may be written with a password although there are credentials for it. */
function withoutPassword(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/(\/\/[^/@\s:]*:)[^@/\s]+@/g, '$1•••@') : value;
}

/** Machines differ; the folder of a production does not matter to who reads it. */
function relative({ folder }: Definition, place: Place | undefined): Place | undefined {
  if (place === undefined) return undefined;
  const { file } = place;
  return { ...place, file: file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : file };
}
