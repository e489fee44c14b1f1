import '@xyflow/react/dist/base.css';
import { Graph, layout } from '@dagrejs/dagre';
import { useNavigate } from '@tanstack/react-router';
import {
  type AriaLabelConfig,
  Background,
  Controls,
  type Edge,
  Handle,
  MarkerType,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
} from '@xyflow/react';
import { Cog, LogIn, LogOut } from 'lucide-react';
import { type ReactElement, useMemo } from 'react';
import type { Host, ProductionMap } from '../../../src/api/contract/host.ts';
import { HealthBadge, needsAttention } from '../element/health-badge.tsx';
import { HEALTH_NAMES, KIND_NAMES } from '../element/names.ts';
import { t } from '../language/translate.ts';
import { useTheme } from '../shell/theme.ts';

interface Shown extends Record<string, unknown> {
  readonly host: Host;
  readonly rate: number;
  readonly faded: boolean;
}

const ICONS = { service: LogIn, process: Cog, operation: LogOut } as const;
const NODE_TYPES = { host: HostNode };
/** Replaces the library's own English texts, which are about moving and removing nodes. */
const LABELS: Partial<AriaLabelConfig> = {
  'node.a11yDescription.default': t('The table shows the same and links to each host.'),
  'node.a11yDescription.keyboardDisabled': t('The table shows the same and links to each host.'),
  'edge.a11yDescription.default': '',
  'controls.ariaLabel': t('Size of the diagram'),
  'controls.zoomIn.ariaLabel': t('Zoom in'),
  'controls.zoomOut.ariaLabel': t('Zoom out'),
  'controls.fitView.ariaLabel': t('Show all'),
};

/** With tenths where they matter. */
const rounded = (rate: number): number =>
  rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate);

interface ProductionDiagramProps {
  readonly map: ProductionMap;
  readonly rates: ReadonlyMap<string, number>;
  readonly focus: string | undefined;
  /** Hosts without it are faded. */
  readonly tag: string | undefined;
}

/** The production as boxes and arrows. It is read-only: the files are authoritative. */
export default function ProductionDiagram({
  map,
  rates,
  focus,
  tag,
}: ProductionDiagramProps): ReactElement {
  const navigate = useNavigate();
  const theme = useTheme();
  const shape = JSON.stringify([map.hosts.map(({ name }) => name), map.edges]);
  const places = useMemo(
    () =>
      diagramLayout(
        map.hosts.map(({ name }) => name),
        map.edges,
      ),
    [shape],
  );
  const lit = useMemo(
    () => (focus === undefined ? undefined : pathsThrough(focus, map.edges)),
    [shape, focus],
  );
  const nodes = map.hosts.map(
    (host): Node<Shown, 'host'> => ({
      id: host.name,
      type: 'host',
      position: places.get(host.name) ?? { x: 0, y: 0 },
      width: NODE_WIDTH,
      height: NODE_HEIGHT,
      data: {
        host,
        rate: rates.get(host.name) ?? 0,
        faded: lit?.has(host.name) === false || (tag !== undefined && !host.tags.includes(tag)),
      },
      ariaLabel: t('{kind} {host}, {health}, {count} waiting', {
        kind: KIND_NAMES[host.kind],
        host: host.name,
        health: HEALTH_NAMES[host.health],
        count: host.queue?.depth ?? 0,
      }),
      domAttributes: { 'aria-roledescription': t('host') },
    }),
  );
  const edges = map.edges.map(({ from, to, labels, by }): Edge => {
    const faded = lit !== undefined && !(lit.has(from) && lit.has(to));
    const flows = (rates.get(to) ?? 0) > 0;
    return {
      id: `${from} ${to} ${by}`,
      source: from,
      target: to,
      className: faded ? 'opacity-25' : '',
      style: {
        stroke: flows ? 'var(--accent)' : 'var(--line-strong)',
        strokeWidth: flows ? 1.75 : 1.25,
      },
      markerEnd: {
        type: MarkerType.ArrowClosed,
        color: flows ? 'var(--accent)' : 'var(--line-strong)',
        width: 16,
        height: 16,
      },
      ariaLabel:
        labels.length === 0
          ? t('{from} sends to {to}', { from, to })
          : t('{from} sends to {to} by {labels}', { from, to, labels: labels.join(', ') }),
      domAttributes: { 'aria-roledescription': t('way') },
    };
  });
  return (
    <div className="min-h-0 flex-1">
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        colorMode={theme}
        style={{ backgroundColor: 'var(--canvas)' }}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        fitView
        fitViewOptions={{ maxZoom: 1, padding: 0.08 }}
        minZoom={0.15}
        onNodeClick={(_event, { id }) =>
          void navigate({ to: '/hosts/$host', params: { host: id } })
        }
        proOptions={{ hideAttribution: true }}
        ariaLabelConfig={LABELS}
      >
        <Background color="var(--line)" gap={22} />
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  );
}

function HostNode({ data: { host, rate, faded } }: NodeProps<Node<Shown, 'host'>>): ReactElement {
  const { name, title, kind, adapter, health, queue } = host;
  const Icon = ICONS[kind];
  const alarming = needsAttention(health);
  return (
    <div
      className={`flex flex-col justify-between rounded-lg border bg-surface px-2.5 py-1.5 text-xs ${faded ? 'opacity-30' : ''} ${alarming ? 'border-bad border-2' : 'border-line-strong'}`}
      style={{ width: NODE_WIDTH, height: NODE_HEIGHT }}
    >
      <Handle type="target" position={Position.Left} isConnectable={false} className="!opacity-0" />
      <span className="flex items-center gap-1.5">
        <Icon size={14} className="shrink-0 text-ink-3" aria-hidden="true" />
        <span className="truncate text-[13px] font-semibold">{name}</span>
        <span className="ml-auto shrink-0 font-mono text-2xs text-ink-2">
          {adapter ?? KIND_NAMES[kind]}
        </span>
      </span>
      <span className="flex items-center gap-2">
        <span className="min-w-0 truncate text-ink-2">{title}</span>
        {queue !== undefined && queue.depth > 0 && (
          <span className="ml-auto shrink-0 whitespace-nowrap rounded bg-info-soft px-1.5 font-medium text-info">
            {t('{count} queued', { count: queue.depth })}
          </span>
        )}
      </span>
      <span className="flex items-center gap-2">
        <HealthBadge health={health} />
        <span className="ml-auto text-ink-2">
          {rate >= 0.05 ? t('{rate}/min', { rate: rounded(rate) }) : t('quiet')}
        </span>
      </span>
      <Handle
        type="source"
        position={Position.Right}
        isConnectable={false}
        className="!opacity-0"
      />
    </div>
  );
}

const NODE_WIDTH = 224;
const NODE_HEIGHT = 80;

interface Placed {
  readonly x: number;
  readonly y: number;
}

/**
 * The position of each host: from left to right, as messages flow. Depends only on names and
 * connections, so live figures never move it.
 */
function diagramLayout(
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

/** The hosts that a message passing `focus` can have come through or can go to. */
function pathsThrough(focus: string, edges: ProductionMap['edges']): ReadonlySet<string> {
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
  // iterating over a set includes elements added meanwhile
  for (const host of reached) {
    for (const [from, to] of ways) if (from === host) reached.add(to);
  }
  return reached;
}
