import { resolve } from 'node:path';
import type { InboundAdapter, LookupAdapter, OutboundAdapter } from '../adapter/adapter.ts';
import { textOf } from './form/setting-form.ts';
import { type Fault, loadModule } from './load-module.ts';
import { type Problems, suggestion } from './problem.ts';
import { type Keys, pathText, valueAt, type Written } from './written/written.ts';

export type AnyAdapter = InboundAdapter | OutboundAdapter | LookupAdapter;

/** The adapters that the hosts and lookups of a production name: built in, or modules of its own. */
export interface Adapters {
  inbound(name: string): InboundAdapter | undefined;
  outbound(name: string): OutboundAdapter | undefined;
  lookup(name: string): LookupAdapter | undefined;
  /** Absolute paths of the production's own adapters. */
  readonly files: readonly string[];
}

/** Adapters that are loaded when they are named. */
export interface AdapterCatalogue {
  readonly types: readonly string[];
  readonly load: (type: string) => Promise<AnyAdapter | undefined>;
}

/** A catalogue of adapters that are already loaded. */
function catalogueOf(adapters: AdapterCatalogue | readonly AnyAdapter[]): AdapterCatalogue {
  if (!isList(adapters)) return adapters;
  return {
    types: adapters.map(({ type }) => type),
    load: async (type) => adapters.find((one) => one.type === type),
  };
}

const isList = (
  adapters: AdapterCatalogue | readonly AnyAdapter[],
): adapters is readonly AnyAdapter[] => Array.isArray(adapters);

interface Finding {
  readonly folder: string;
  readonly builtIn: AdapterCatalogue | readonly AnyAdapter[];
  readonly problems: Problems;
}

/** Finds the adapter of every host and lookup and loads those that are files. Missing ones are reported. */
export async function findAdapters(written: Written, finding: Finding): Promise<Adapters> {
  const { folder, problems } = finding;
  const builtIn = catalogueOf(finding.builtIn);
  const inbound = new Map<string, InboundAdapter>();
  const outbound = new Map<string, OutboundAdapter>();
  const lookups = new Map<string, LookupAdapter>();
  const files: string[] = [];
  for (const { name, keys, value, direction } of wantedIn(written)) {
    const own = isFile(name) ? resolve(folder, name) : undefined;
    if (own !== undefined) files.push(own);
    const got =
      own === undefined
        ? await builtInAdapter(name, direction, builtIn)
        : await ownAdapter(own, direction);
    if ('what' in got) problems.error(value.place, pathText(keys), got.what, got.remedy);
    else if (isInbound(got)) inbound.set(name, got);
    else if (isLookup(got)) lookups.set(name, got);
    else outbound.set(name, got);
  }
  return {
    inbound: (name) => inbound.get(name),
    outbound: (name) => outbound.get(name),
    lookup: (name) => lookups.get(name),
    files,
  };
}

const isFile = (name: string): boolean => /^\.{0,2}\//.test(name);

/** The end of an adapter's type says its direction. */
export const isInbound = (adapter: AnyAdapter): adapter is InboundAdapter =>
  adapter.type.endsWith('-in');

export const isLookup = (adapter: AnyAdapter): adapter is LookupAdapter =>
  adapter.type.endsWith('-lookup');

interface Wanted {
  readonly name: string;
  readonly keys: Keys;
  readonly value: Written;
  readonly direction: Direction;
}

type Direction = 'in' | 'out' | 'lookup';

const DIRECTIONS: Readonly<Record<string, Direction>> = {
  services: 'in',
  operations: 'out',
  lookups: 'lookup',
};

function* wantedIn(written: Written): Generator<Wanted> {
  for (const [section, direction] of Object.entries(DIRECTIONS)) {
    const hosts = valueAt(written, [section]);
    if (hosts?.kind !== 'block') continue;
    for (const host of hosts.entries.keys()) {
      const keys = [section, host, 'adapter'];
      const value = valueAt(written, keys);
      const name = value?.kind === 'scalar' ? textOf(value) : undefined;
      if (value === undefined || name === undefined) continue;
      yield { name, keys, value, direction };
    }
  }
}

const USE: Readonly<Record<Direction, string>> = {
  in: 'A service takes messages in: the name of its adapter ends in -in.',
  out: 'An operation sends messages out: the name of its adapter ends in -out.',
  lookup: 'A lookup loads a code table: the name of its adapter ends in -lookup.',
};

async function builtInAdapter(
  name: string,
  direction: Direction,
  { types, load }: AdapterCatalogue,
): Promise<AnyAdapter | Fault> {
  const fitting = types.filter((type) => type.endsWith(`-${direction}`));
  const adapter = fitting.includes(name) ? await load(name) : undefined;
  if (adapter !== undefined) return adapter;
  if (types.includes(name)) {
    return { what: `${name} works the other way`, remedy: USE[direction] };
  }
  const list = `See waybill adapters; write a file of your own as ./adapters/name-${direction}.ts.`;
  return { what: `there is no adapter ${name}`, remedy: suggestion(name, fitting, list) };
}

async function ownAdapter(file: string, direction: Direction): Promise<AnyAdapter | Fault> {
  const loaded = await loadModule(file);
  if ('fault' in loaded) return loaded.fault;
  const { exported } = loaded;
  if (!isAdapter(exported)) {
    const remedy = `Write: export default ${direction === 'lookup' ? 'lookupTable' : `${direction}bound`}({ … }).`;
    return { what: 'the default export of the module is not an adapter', remedy };
  }
  return exported.type.endsWith(`-${direction}`)
    ? exported
    : { what: `the module's adapter has the type ${exported.type}`, remedy: USE[direction] };
}

function isAdapter(value: unknown): value is AnyAdapter {
  if (typeof value !== 'object' || value === null) return false;
  const { type, settings, open, load } = value as Partial<InboundAdapter & LookupAdapter>;
  if (typeof type !== 'string' || typeof settings !== 'object') return false;
  return typeof (type.endsWith('-lookup') ? load : open) === 'function';
}
