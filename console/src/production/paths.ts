import type { ProductionMap } from '../../../src/api/contract/host.ts';

type Way = ProductionMap['edges'][number];

/** The hosts that a message passing `focus` can have come through or can go to. */
export function pathsThrough(focus: string, edges: readonly Way[]): ReadonlySet<string> {
  const onward = Map.groupBy(edges, ({ from }) => from);
  const back = Map.groupBy(edges, ({ to }) => to);
  return new Set([
    ...reachable(focus, (host) => onward.get(host)?.map(({ to }) => to)),
    ...reachable(focus, (host) => back.get(host)?.map(({ from }) => from)),
  ]);
}

function reachable(
  start: string,
  next: (host: string) => readonly string[] | undefined,
): ReadonlySet<string> {
  const reached = new Set([start]);
  // iterating over a set includes elements added meanwhile
  for (const host of reached) for (const one of next(host) ?? []) reached.add(one);
  return reached;
}
