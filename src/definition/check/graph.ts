import type { Definition, ProcessDefinition } from '../definition.ts';

/** Which hosts a host may send to. */
export type Graph = ReadonlyMap<string, readonly string[]>;

/** The map of a production, as far as its hosts could be read. A code process that does not say where it sends has no edges. */
export function graphOf({
  services,
  processes,
  operations,
}: Pick<Definition, 'services' | 'processes' | 'operations'>): Graph {
  const edges = new Map<string, readonly string[]>();
  for (const { name, to } of services.values()) edges.set(name, to);
  for (const process of processes.values()) edges.set(process.name, targetsOf(process));
  for (const { name, answersTo } of operations.values()) edges.set(name, answersTo);
  return edges;
}

/** Every target a process may send to, each once. */
function targetsOf({ rules, to, invalid }: ProcessDefinition): readonly string[] {
  const chosen = rules.flatMap((set) => [
    ...set.rules.flatMap(({ send }) => send),
    ...(typeof set.otherwise === 'string' ? [] : set.otherwise),
  ]);
  return [
    ...new Set([
      ...chosen.map((send) => send.to),
      ...(to ?? []),
      ...(invalid === 'suspend' ? [] : [invalid]),
    ]),
  ];
}

/** Every host that messages from one of `from` can come to, these included. */
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
