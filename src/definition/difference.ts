import { resolve } from 'node:path';
import type { Setting, Settings } from '../adapter/setting.ts';
import type { Definition, HostDefinition } from './definition.ts';
import { type HostKind, hostSettings, SECTIONS } from './grammar/host-settings.ts';
import { hiddenCredentials } from './hidden-credentials.ts';
import { pathText, shown, valueAt } from './written/written.ts';

interface HostDifference {
  readonly host: string;
  readonly kind: HostKind;
  readonly how: 'added' | 'removed' | 'changed';
  readonly changes: readonly Change[];
  /** Whether it must be restarted; a comment or a rule needs no restart. */
  readonly restart: boolean;
}

/** What `apply` would change. It contains no secrets: a value from a secret is shown as it is written, one in the clear as `•••`. */
export interface Difference {
  readonly hosts: readonly HostDifference[];
  /** Changes besides the hosts: settings, credentials, transforms, lookups, alerts. */
  readonly production: readonly Change[];
  /** The hosts to stop, and to start again if they still exist. */
  readonly restarts: readonly string[];
}

/** Compares two definitions of a production host by host. */
export function productionDifference(before: Definition, after: Definition): Difference {
  const hosts: HostDifference[] = [];
  const olds = hostsOf(before);
  const news = hostsOf(after);
  for (const [name, host] of olds) {
    if (news.get(name)?.kind === host.kind) continue;
    hosts.push({ host: name, kind: host.kind, how: 'removed', changes: [], restart: true });
  }
  const replaced = replacedTables(before, after);
  const acceptsOtherwise = !isEqual(acceptance(before), acceptance(after));
  for (const [name, host] of news) {
    const old = olds.get(name);
    if (old?.kind !== host.kind) {
      hosts.push({ host: name, kind: host.kind, how: 'added', changes: [], restart: true });
      continue;
    }
    const compared = compareHost({ definition: before, host: old }, { definition: after, host });
    const restart =
      compared.restart || namesAny(host, replaced) || (acceptsOtherwise && host.kind === 'service');
    if (compared.changes.length === 0 && !restart) continue;
    hosts.push({ host: name, kind: host.kind, how: 'changed', ...compared, restart });
  }
  return {
    hosts,
    production: productionChanges(before, after),
    restarts: hosts.filter(({ restart }) => restart).map(({ host }) => host),
  };
}

/** Whether two definitions mean the same. */
export function isUnchanged({ hosts, production }: Difference): boolean {
  return hosts.length === 0 && production.length === 0;
}

/** One line for each change, for a terminal. */
export function describeDifference({ hosts, production }: Difference): string[] {
  const mark = { added: '+', removed: '-', changed: '~' } as const;
  return [
    ...production.map((change) => `~ ${describeChange(change)}`),
    ...hosts.flatMap(({ host, kind, how, changes: inside, restart }) => [
      `${mark[how]} ${kind} ${host}${how === 'changed' && restart ? ' (restarts)' : ''}`,
      ...inside.map((change) => `    ${describeChange(change)}`),
    ]),
  ];
}

function hostsOf({ services, processes, operations }: Definition): Map<string, HostDefinition> {
  return new Map<string, HostDefinition>([...services, ...processes, ...operations]);
}

/** The settings of the whole production that affect how services accept messages. */
const acceptance = ({ settings: { duplicateWindow, inlineLimit } }: Definition): unknown => [
  duplicateWindow,
  inlineLimit,
];

function productionChanges(before: Definition, after: Definition): Change[] {
  const written = changes(beyondHosts(before), beyondHosts(after));
  return [...written, ...secretChanges(before, after, written), ...fileChanges(before, after)];
}

function beyondHosts({ source: { written } }: Definition): unknown {
  const all = shown(written);
  if (typeof all !== 'object' || all === null) return {};
  const sections: readonly string[] = Object.values(SECTIONS);
  return Object.fromEntries(
    Object.entries(all)
      .filter(([key]) => !sections.includes(key))
      .map(([key, value]) => [key, key === 'credentials' ? hiddenCredentials(value) : value]),
  );
}

/** Credentials that are written as before but have other values. */
function secretChanges(
  before: Definition,
  after: Definition,
  written: readonly Change[],
): Change[] {
  return [...after.credentials].flatMap(([name, { values }]) => {
    const old = before.credentials.get(name)?.values;
    const rewritten = written.some(({ path }) => path.startsWith(`credentials.${name}`));
    if (old === undefined || rewritten || isEqual(old, values)) return [];
    return [{ path: `credentials.${name}`, before: '•••', after: '•••, another value' }];
  });
}

/** Transforms and lookups in the same files with changed content. */
function fileChanges(before: Definition, after: Definition): Change[] {
  return ['transforms', 'records', 'profiles', 'lookups'].flatMap((section) => {
    const files = valueAt(after.source.written, [section]);
    if (files?.kind !== 'block') return [];
    return [...files.entries].flatMap(([name, { value }]) => {
      const file = value.kind === 'scalar' ? resolve(after.folder, String(value.value)) : '';
      const old = before.source.digests.get(file);
      if (old === undefined || old === after.source.digests.get(file)) return [];
      return [{ path: `${section}.${name}`, before: 'as it was', after: 'changed' }];
    });
  });
}

/**
 * The code tables and profiles that are other ones now. Those of rules and transforms are read anew with them; the settings
 * of an adapter are made once.
 */
function replacedTables(before: Definition, after: Definition): ReadonlySet<string> {
  const replaced = (section: 'lookups' | 'profiles', known: Iterable<string>): string[] =>
    [...known].filter((name) => stateOf(before, section, name) !== stateOf(after, section, name));
  const lookups = new Set(replaced('lookups', after.lookups.names));
  const naming = [...after.profiles.values()].filter((one) => !one.lookups.isDisjointFrom(lookups));
  const profiles = replaced('profiles', after.profiles.keys());
  return new Set([...lookups, ...profiles, ...naming.map(({ name }) => name)]);
}

/** Which file it is, and with which content. */
function stateOf({ source, folder }: Definition, section: string, name: string): string {
  const value = valueAt(source.written, [section, name]);
  const file = value?.kind === 'scalar' ? resolve(folder, String(value.value)) : '';
  return `${file} ${source.digests.get(file)}`;
}

/** Whether the settings of a host name one of them, alone or in quotes in an expression. */
function namesAny(host: HostDefinition, replaced: ReadonlySet<string>): boolean {
  if (host.kind === 'process' || replaced.size === 0) return false;
  const isIn = (value: unknown): boolean => {
    if (typeof value === 'object' && value !== null) return Object.values(value).some(isIn);
    const quoted = [...String(value).matchAll(/["']([^"']+)["']/g)].map(([, one = '']) => one);
    return [String(value), ...quoted].some((one) => replaced.has(one));
  };
  return isIn(host.given);
}

const LONGEST = 80;

/** `settings.connect: ward:2575 → ward-2:2575`. */
function describeChange({ path, before, after }: Change): string {
  if (before === undefined) return `${path}: ${valueText(after)} (new)`;
  if (after === undefined) return `${path}: ${valueText(before)} (removed)`;
  return `${path}: ${valueText(before)} → ${valueText(after)}`;
}

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

/** One value that differs; undefined if there is none. Secrets are shown as they are written: `${secret:NAME}`. */
interface Change {
  /** Below the host or the production: `settings.connect`, `rules."outpatients".when`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Every value that differs between two plain trees, each as deep as possible. */
function changes(before: unknown, after: unknown): Change[] {
  return [...differ(before, after, [])];
}

function* differ(
  before: unknown,
  after: unknown,
  keys: readonly (string | number)[],
): Generator<Change> {
  const [a, b] = [named(before), named(after)];
  if (a !== undefined && b !== undefined) {
    const [orderBefore, orderAfter] = [order(before, a, b), order(after, b, a)];
    if (orderBefore !== orderAfter) {
      yield { path: pathText([...keys, 'order']), before: orderBefore, after: orderAfter };
    }
    for (const key of new Set([...a.keys(), ...b.keys()])) {
      yield* differ(a.get(key), b.get(key), [...keys, key]);
    }
  } else if (!isEqual(before, after)) yield { path: pathText(keys), before, after };
}

/** The names of the items that both lists have, in their order, which matters for rules. */
function order(
  value: unknown,
  own: ReadonlyMap<string | number, unknown>,
  other: ReadonlyMap<string | number, unknown>,
): string {
  return Array.isArray(value) ? [...own.keys()].filter((name) => other.has(name)).join(', ') : '';
}

/**
 * The parts of a value by name: keys of a block, or items of a list that all have a name of their
 * own, so that an inserted rule does not make all later ones differ.
 */
function named(value: unknown): ReadonlyMap<string | number, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const names = value.map((item: unknown) => nameOf(item));
  if (value.length === 0 || new Set(names).size < names.length) return undefined;
  return names.includes(undefined)
    ? undefined
    : new Map(value.map((item: unknown, index) => [nameOf(item) ?? index, item]));
}

function nameOf(item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  const { name, otherwise } = item as { name?: unknown; otherwise?: unknown };
  if (otherwise !== undefined) return 'otherwise';
  return typeof name === 'string' ? name : undefined;
}

/** Whether two plain values are equal; the order of keys does not matter. */
function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** A host in one of the two definitions. */
interface HostOf {
  readonly definition: Definition;
  readonly host: HostDefinition;
}

/** How a host differs, and whether it must be restarted for that. */
function compareHost(
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

/** A change in the module of a process or of one of the production's own adapters. */
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
