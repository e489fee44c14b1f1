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
  MiniMap,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
} from '@xyflow/react';
import { Boxes, Cog, LogIn, LogOut } from 'lucide-react';
import { type ReactElement, type ReactNode, useMemo } from 'react';
import type { ProductionMap } from '../../../src/api/contract/host.ts';
import { HealthBadge } from '../element/health-badge.tsx';
import { HEALTH_NAMES, KIND_NAMES } from '../element/names.ts';
import { needsAttention } from '../element/needs-attention.ts';
import { Nothing } from '../element/notice.tsx';
import { useMedia, WIDE } from '../element/use-media.ts';
import { t } from '../language/translate.ts';
import { useTheme } from '../shell/theme.ts';
import { type Arrow, type Box, type Group, pictureOf } from './boxes.ts';
import { pathsThrough } from './paths.ts';

interface Shown extends Record<string, unknown> {
  readonly box: Box;
  /** NaN while it is not known. */
  readonly rate: number;
  readonly faded: boolean;
}

const ICONS = { service: LogIn, process: Cog, operation: LogOut } as const;
/** `group` would get a look of its own from the library. */
const NODE_TYPES = { host: HostNode, several: GroupNode };
/** Replaces the library's own English texts, which are about moving and removing nodes. */
const LABELS: Partial<AriaLabelConfig> = {
  'node.a11yDescription.default': t('The table shows the same and links to each host.'),
  'node.a11yDescription.keyboardDisabled': t('The table shows the same and links to each host.'),
  'edge.a11yDescription.default': '',
  'controls.ariaLabel': t('Size of the diagram'),
  'controls.zoomIn.ariaLabel': t('Zoom in'),
  'controls.zoomOut.ariaLabel': t('Zoom out'),
  'controls.fitView.ariaLabel': t('Show all'),
  'minimap.ariaLabel': t('The whole diagram, small'),
};

/** With tenths where they matter. */
const rounded = (rate: number): number =>
  rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate);

/** From this many boxes on a small picture of the whole helps to find one's way. */
const MANY = 30;
/** Beside that picture, which covers no box until somebody moves the diagram. */
const BESIDE = { y: '8%', left: '4%', right: '232px' } as const;

interface ProductionDiagramProps {
  readonly map: ProductionMap;
  /** Undefined while they are not known. */
  readonly rates: ReadonlyMap<string, number> | undefined;
  readonly focus: string | undefined;
  /** Hosts without it are faded; of a large production they are left out. */
  readonly tag: string | undefined;
  /** Only hosts that need attention. */
  readonly troubled: boolean;
}

/** The production as boxes and arrows. It is read-only: the files are authoritative. */
export default function ProductionDiagram({
  map,
  rates,
  focus,
  tag,
  troubled,
}: ProductionDiagramProps): ReactElement {
  const navigate = useNavigate();
  const theme = useTheme();
  const isWide = useMedia(WIDE);
  const { boxes, arrows, isPart } = useMemo(
    () => pictureOf(map, { focus, tag, troubled }),
    [map, focus, tag, troubled],
  );
  const ids = boxes.map(({ id }) => id);
  const shape = JSON.stringify([ids, arrows.map(({ from, to }) => [from, to])]);
  const places = useMemo(() => diagramLayout(ids, arrows), [shape]);
  const lit = useMemo(
    () => (focus === undefined || isPart ? undefined : pathsThrough(focus, map.edges)),
    [shape, focus],
  );
  const isFaded = ({ hosts, group }: Box): boolean => {
    const [host] = hosts;
    if (isPart || group !== undefined || host === undefined) return false;
    const isMeant = tag === undefined || host.tags.includes(tag);
    return lit?.has(host.name) === false || !isMeant || (troubled && !needsAttention(host.health));
  };
  const nodes = boxes.map(
    (box): Node<Shown> => ({
      id: box.id,
      type: box.group === undefined ? 'host' : 'several',
      position: places.get(box.id) ?? { x: 0, y: 0 },
      width: NODE_WIDTH,
      height: NODE_HEIGHT,
      data: {
        box,
        rate: box.hosts.reduce(
          (sum, { name }) => sum + (rates?.get(name) ?? 0),
          rates === undefined ? Number.NaN : 0,
        ),
        faded: isFaded(box),
      },
      ariaLabel: nodeLabel(box),
      domAttributes: { 'aria-roledescription': t('host') },
    }),
  );
  const names = new Map(boxes.map((box) => [box.id, boxText(box)]));
  const flowing = new Set(nodes.filter(({ data }) => data.rate > 0).map(({ id }) => id));
  const open = ({ hosts: [host], group }: Box): void => {
    if (group?.by === 'tag' && group.name !== tag)
      void navigate({ to: '/production', search: (before) => ({ ...before, tag: group.name }) });
    else if (group !== undefined)
      void navigate({
        to: '/production',
        search: (before) => ({
          ...before,
          view: 'table',
          ...(group.by === 'name' ? { find: group.name } : {}),
        }),
      });
    else if (host !== undefined) void navigate({ to: '/hosts/$host', params: { host: host.name } });
  };
  if (boxes.length === 0) return <Nothing>{t('No host is like that.')}</Nothing>;
  const seen = isWide ? lit : firstToSee(boxes, lit);
  const selected = seen === undefined ? {} : { nodes: [...seen].map((id) => ({ id })) };
  return (
    <div className="min-h-0 flex-1">
      <ReactFlow
        // another picture, or another part of it, is shown from where all of it is seen
        key={`${focus} ${isPart ? shape : ''}`}
        nodes={nodes}
        edges={arrows.map((arrow) =>
          edgeOf(arrow, {
            faded: lit !== undefined && !(lit.has(arrow.from) && lit.has(arrow.to)),
            flows: flowing.has(arrow.to),
            ariaLabel: edgeLabel({
              ...arrow,
              from: names.get(arrow.from) ?? arrow.from,
              to: names.get(arrow.to) ?? arrow.to,
            }),
          }),
        )}
        nodeTypes={NODE_TYPES}
        colorMode={theme}
        style={{ backgroundColor: 'var(--canvas)' }}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        onlyRenderVisibleElements={nodes.length > MANY}
        fitView
        fitViewOptions={{
          maxZoom: 1,
          padding: isWide && nodes.length > MANY ? BESIDE : 0.08,
          ...selected,
        }}
        minZoom={0.1}
        onNodeClick={(_event, { data: { box } }) => open(box)}
        proOptions={{ hideAttribution: true }}
        ariaLabelConfig={LABELS}
      >
        <Background color="var(--line)" bgColor="var(--canvas)" gap={22} />
        <Controls showInteractive={false} />
        {nodes.length > MANY && (
          <MiniMap
            className="max-sm:!hidden"
            pannable
            zoomable
            bgColor="var(--surface)"
            maskColor="color-mix(in srgb, var(--canvas) 70%, transparent)"
            nodeColor={({ data }: Node<Shown>) =>
              troubledIn(data.box) > 0 ? 'var(--bad)' : 'var(--line-strong)'
            }
          />
        )}
      </ReactFlow>
    </div>
  );
}

/** Where a phone begins, since all of the picture would be too small there: a box in trouble, or else the first. */
function firstToSee(
  boxes: readonly Box[],
  lit: ReadonlySet<string> | undefined,
): readonly string[] {
  const meant = boxes.filter(({ id }) => lit?.has(id) !== false);
  const first = meant.find((box) => troubledIn(box) > 0) ?? meant[0];
  return first === undefined ? [] : [first.id];
}

const troubledIn = ({ hosts }: Box): number =>
  hosts.filter(({ health }) => needsAttention(health)).length;
const queuedIn = ({ hosts }: Box): number =>
  hosts.reduce((sum, { queue }) => sum + (queue?.depth ?? 0), 0);

const groupText = ({ by, name }: Group): string =>
  by === 'rest' ? t('everything else') : by === 'tag' ? name : `${name}…`;

const boxText = ({ group, hosts: [host], id }: Box): string =>
  group === undefined ? (host?.name ?? id) : groupText(group);

function nodeLabel(box: Box): string {
  const { group, hosts } = box;
  const [host] = hosts;
  if (group === undefined && host !== undefined)
    return t('{kind} {host}, {health}, {count} waiting', {
      kind: KIND_NAMES[host.kind],
      host: host.name,
      health: HEALTH_NAMES[host.health],
      count: host.queue?.depth ?? 0,
    });
  return t('{group}: {count} {count|host|hosts}, {troubled} in trouble, {queued} waiting', {
    group: boxText(box),
    count: hosts.length,
    troubled: troubledIn(box),
    queued: queuedIn(box),
  });
}

function edgeOf(
  { from, to, by }: Arrow,
  {
    faded,
    flows,
    ariaLabel,
  }: { readonly faded: boolean; readonly flows: boolean; readonly ariaLabel: string },
): Edge {
  const colour = flows ? 'var(--accent)' : 'var(--line-strong)';
  return {
    id: `${from} ${to} ${by}`,
    source: from,
    target: to,
    className: faded ? 'opacity-25' : '',
    style: { stroke: colour, strokeWidth: flows ? 1.75 : 1.25 },
    markerEnd: { type: MarkerType.ArrowClosed, color: colour, width: 16, height: 16 },
    ariaLabel,
    domAttributes: { 'aria-roledescription': t('way') },
  };
}

function edgeLabel({ from, to, labels, many }: Omit<Arrow, 'by'>): string {
  if (many > 1) return t('{from} sends to {to} in {many} ways', { from, to, many });
  return labels.length === 0
    ? t('{from} sends to {to}', { from, to })
    : t('{from} sends to {to} by {labels}', { from, to, labels: labels.join(', ') });
}

/** A box, and where its ways end and begin. */
function Framed({
  look,
  children,
}: {
  readonly look: string;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <div
      className={`flex flex-col justify-between rounded-lg bg-surface px-2.5 py-1.5 text-xs ${look}`}
      style={{ width: NODE_WIDTH, height: NODE_HEIGHT }}
    >
      <Handle type="target" position={Position.Left} isConnectable={false} className="!opacity-0" />
      {children}
      <Handle
        type="source"
        position={Position.Right}
        isConnectable={false}
        className="!opacity-0"
      />
    </div>
  );
}

function Rate({ of: rate }: { readonly of: number }): ReactElement {
  return (
    <span className="ml-auto text-ink-2">
      {Number.isNaN(rate)
        ? ''
        : rate >= 0.05
          ? t('{rate}/min', { rate: rounded(rate) })
          : t('quiet')}
    </span>
  );
}

/** Several hosts in one box; it opens them. */
function GroupNode({ data: { box, rate } }: NodeProps<Node<Shown>>): ReactElement {
  const { hosts } = box;
  const troubled = troubledIn(box);
  const queued = queuedIn(box);
  return (
    <Framed look={`border-2 border-double ${troubled > 0 ? 'border-bad' : 'border-line-strong'}`}>
      <span className="flex items-center gap-1.5">
        <Boxes size={14} className="shrink-0 text-ink-3" aria-hidden="true" />
        <span className="truncate text-[13px] font-semibold">{boxText(box)}</span>
        <span className="ml-auto shrink-0 text-2xs text-ink-2">
          {t('{count} {count|host|hosts}', { count: hosts.length })}
        </span>
      </span>
      <span className="flex items-center gap-2">
        {queued > 0 && (
          <span className="whitespace-nowrap rounded bg-info-soft px-1.5 font-medium text-info">
            {t('{count} queued', { count: queued })}
          </span>
        )}
      </span>
      <span className="flex items-center gap-2">
        <span className={troubled > 0 ? 'font-medium text-bad' : 'text-good'}>
          {troubled > 0 ? t('{count} in trouble', { count: troubled }) : t('all run')}
        </span>
        <Rate of={rate} />
      </span>
    </Framed>
  );
}

function HostNode({ data: { box, rate, faded } }: NodeProps<Node<Shown>>): ReactElement | null {
  const [host] = box.hosts;
  if (host === undefined) return null;
  const { name, title, kind, adapter, health, queue } = host;
  const Icon = ICONS[kind];
  const alarming = needsAttention(health);
  return (
    <Framed
      look={`border ${faded ? 'opacity-30' : ''} ${alarming ? 'border-bad border-2' : 'border-line-strong'}`}
    >
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
        <Rate of={rate} />
      </span>
    </Framed>
  );
}

const NODE_WIDTH = 224;
const NODE_HEIGHT = 80;

interface Placed {
  readonly x: number;
  readonly y: number;
}

/**
 * The position of each box: from left to right, as messages flow. Depends only on names and
 * connections, so live figures never move it.
 */
function diagramLayout(
  boxes: readonly string[],
  edges: readonly Pick<Arrow, 'from' | 'to'>[],
): ReadonlyMap<string, Placed> {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 22, ranksep: 110, marginx: 20, marginy: 20 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const name of boxes) graph.setNode(name, { width: NODE_WIDTH, height: NODE_HEIGHT });
  for (const { from, to } of edges) graph.setEdge(from, to);
  layout(graph);
  const placed = boxes.map((name) => {
    const { x, y } = graph.node(name) as Placed;
    return [name, { x: x - NODE_WIDTH / 2, y: y - NODE_HEIGHT / 2 }] as const;
  });
  const ranks = Map.groupBy(placed, ([, { x }]) => Math.round(x));
  const isTall = ranks.values().some(({ length }) => length > TALL);
  return new Map(isTall ? folded(ranks, placed.length) : placed);
}

/** More boxes than this above each other are seen whole only where nothing in them can be read. */
const TALL = 10;
const COLUMN = NODE_WIDTH + 40;
const ROW = NODE_HEIGHT + 22;
const BETWEEN = 90;

type Rank = readonly (readonly [string, Placed])[];

/** Folds ranks of many boxes into columns beside each other. */
function folded(byPlace: ReadonlyMap<number, Rank>, many: number): Rank {
  const ranks = [...byPlace].toSorted(([a], [b]) => a - b);
  // as wide as high, more or less, as screens are wider
  const rows = Math.max(6, Math.ceil(Math.sqrt((many * COLUMN) / ROW / 1.5)));
  let left = 0;
  return ranks.flatMap(([, rank]) => {
    const columns = Math.ceil(rank.length / rows);
    const high = Math.ceil(rank.length / columns);
    const from = left;
    left += columns * COLUMN + BETWEEN;
    return rank
      .toSorted(([, a], [, b]) => a.y - b.y)
      .map(([name], n) => {
        const [column, row] = [Math.floor(n / high), n % high];
        return [name, { x: from + column * COLUMN, y: row * ROW }] as const;
      });
  });
}
