import type { Setting, Settings } from '../adapter/setting.ts';
import type { Definition, ProcessDefinition } from './definition.ts';

/** That one host may send to another, and why. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  /** `to` of a service, a rule, a code process, messages that do not validate, or a setting of an adapter. */
  readonly by: 'to' | 'rule' | 'code' | 'invalid' | 'setting';
  /** The names of the rules or of the setting. */
  readonly labels: readonly string[];
}

type Hosts = Pick<Definition, 'services' | 'processes' | 'operations'>;

/** Who sends to whom, as far as the definition says; one for each pair and cause. */
export function edgesOf(definition: Hosts): Edge[] {
  const { services, operations } = definition;
  const adapters = [...services.values(), ...operations.values()];
  return [
    ...flowEdges(definition),
    ...adapters.flatMap(({ name, adapter, settings }) =>
      settingEdges(name, adapter.settings, settings),
    ),
  ];
}

/** Without the targets in the settings of adapters. */
function flowEdges({ services, processes, operations }: Hosts): Edge[] {
  return [
    ...[...services.values()].flatMap(({ name, to }) =>
      to.map((target): Edge => ({ from: name, to: target, by: 'to', labels: [] })),
    ),
    ...[...processes.values()].flatMap(processEdges),
    ...[...operations.values()].flatMap(({ name, answersTo, refusalsTo }) => [
      ...answersTo.map((to): Edge => ({ from: name, to, by: 'setting', labels: ['answersTo'] })),
      ...refusalsTo.map((to): Edge => ({ from: name, to, by: 'setting', labels: ['refusalsTo'] })),
    ]),
  ];
}

function processEdges({ name, rules, to = [], invalid }: ProcessDefinition): Edge[] {
  const labels = new Map<string, Set<string>>();
  const note = (target: string, label: string): void => {
    labels.set(target, (labels.get(target) ?? new Set()).add(label));
  };
  for (const { rules: own, otherwise } of rules) {
    for (const rule of own) for (const send of rule.send) note(send.to, rule.name);
    for (const send of typeof otherwise === 'string' ? [] : otherwise) note(send.to, 'otherwise');
  }
  return [
    ...[...labels].map(
      ([target, names]): Edge => ({ from: name, to: target, by: 'rule', labels: [...names] }),
    ),
    ...to.map((target): Edge => ({ from: name, to: target, by: 'code', labels: [] })),
    ...(invalid === 'suspend'
      ? []
      : [{ from: name, to: invalid, by: 'invalid', labels: [] } satisfies Edge]),
  ];
}

/** Settings that name a target: where an adapter sends what it cannot accept. */
function settingEdges(
  name: string,
  declared: Settings,
  values: Readonly<Record<string, unknown>>,
): Edge[] {
  return Object.entries(declared).flatMap(([key, setting]) =>
    targetsIn(setting, values[key]).map(
      (target): Edge => ({ from: name, to: target, by: 'setting', labels: [key] }),
    ),
  );
}

function targetsIn({ kind }: Setting<unknown, unknown>, value: unknown): string[] {
  return kind === 'target' && typeof value === 'string' ? [value] : [];
}

/** Which hosts a host may send to. */
export type Graph = ReadonlyMap<string, readonly string[]>;

/** The map of a production by sender. A code process that does not say where it sends has no edges. */
export function graphOf(definition: Hosts): Graph {
  const bySender = Map.groupBy(flowEdges(definition), ({ from }) => from);
  return new Map(
    [...bySender].map(([name, edges]) => [name, [...new Set(edges.map(({ to }) => to))]]),
  );
}

/** Every host that messages from one of `from` can get to, including those. */
export function reachable(graph: Graph, from: Iterable<string>): ReadonlySet<string> {
  const seen = new Set<string>();
  const open = [...from];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    open.push(...(graph.get(name) ?? []));
  }
  return seen;
}

/** The loops among the given hosts, each once: `['a', 'b', 'a']`. */
export function loopsAmong(graph: Graph, names: ReadonlySet<string>): string[][] {
  const loops: string[][] = [];
  const done = new Set<string>();
  const visit = (name: string, way: readonly string[]): void => {
    const at = way.indexOf(name);
    if (at !== -1) loops.push([...way.slice(at), name]);
    if (at !== -1 || done.has(name)) return;
    for (const next of graph.get(name) ?? []) if (names.has(next)) visit(next, [...way, name]);
    done.add(name);
  };
  for (const name of names) visit(name, []);
  return loops;
}
