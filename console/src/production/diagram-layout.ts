import { Graph, layout } from '@dagrejs/dagre';
import type { ProductionMap } from '../../../src/api/contract/host.ts';

export const NODE_WIDTH = 224;
export const NODE_HEIGHT = 80;

export interface Placed {
  readonly x: number;
  readonly y: number;
}

/** Where each host stands: from left to right as messages go. Depends on names and ways alone, so that live figures never move it. */
export function diagramLayout(
  hosts: readonly string[],
  edges: ProductionMap['edges'],
): ReadonlyMap<string, Placed> {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 22, ranksep: 110, marginx: 20, marginy: 20 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const name of hosts) graph.setNode(name, { width: NODE_WIDTH, height: NODE_HEIGHT });
  for (const { from, to } of edges) graph.setEdge(from, to);
  layout(graph);
  return new Map(
    hosts.map((name) => {
      const { x, y } = graph.node(name) as Placed;
      return [name, { x: x - NODE_WIDTH / 2, y: y - NODE_HEIGHT / 2 }];
    }),
  );
}

/** The hosts that a message which passes `focus` can have come through or go to. */
export function pathsThrough(focus: string, edges: ProductionMap['edges']): ReadonlySet<string> {
  const onward = reachable(
    focus,
    edges.map(({ from, to }) => [from, to] as const),
  );
  const back = reachable(
    focus,
    edges.map(({ from, to }) => [to, from] as const),
  );
  return new Set([...onward, ...back]);
}

function reachable(
  start: string,
  ways: readonly (readonly [string, string])[],
): ReadonlySet<string> {
  const reached = new Set([start]);
  // a set that grows while it is walked is walked to its new end
  for (const host of reached) {
    for (const [from, to] of ways) if (from === host) reached.add(to);
  }
  return reached;
}
