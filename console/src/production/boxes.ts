import type { Host, ProductionMap } from '../../../src/api/contract/host.ts';
import { needsAttention } from '../element/needs-attention.ts';
import { pathsThrough } from './paths.ts';

type Way = ProductionMap['edges'][number];

/** A box of the diagram: one host, or several in one. */
export interface Box {
  readonly id: string;
  /** What a box of several stands for. */
  readonly group?: Group;
  readonly hosts: readonly Host[];
}

/** Hosts by their first tag, those without one by the first part of their names. */
export interface Group {
  readonly by: 'tag' | 'name' | 'rest';
  readonly name: string;
}

/** An arrow between boxes. */
export interface Arrow extends Way {
  /** How many ways between hosts it stands for. */
  readonly many: number;
}

export interface Picture {
  readonly boxes: readonly Box[];
  readonly arrows: readonly Arrow[];
  /** Whether hosts are shown together or left out, because there are too many for one picture. */
  readonly isPart: boolean;
}

export interface Wanted {
  readonly focus: string | undefined;
  readonly tag: string | undefined;
  readonly troubled: boolean;
}

/** More boxes than this are no picture any more, and take the browser longer than a moment to arrange. */
const MOST = 120;

/** What is drawn of a production: each host, or of a large one groups and the hosts that are asked for. */
export function pictureOf(
  { hosts, edges }: Pick<ProductionMap, 'hosts' | 'edges'>,
  wanted: Wanted,
): Picture {
  if (hosts.length <= MOST) {
    const boxes = hosts.map((host): Box => ({ id: host.name, hosts: [host] }));
    return { boxes, arrows: edges.map((way) => ({ ...way, many: 1 })), isPart: false };
  }
  const chosen = chosenHosts(hosts, edges, wanted);
  const near = chosen === undefined ? undefined : neighbours(chosen.meant, edges);
  const shown = hosts.filter(({ name }) => near?.has(name) !== false);
  const boxOf = boxesByHost(shown, chosen?.open ?? new Set());
  return {
    boxes: [...new Set(boxOf.values())],
    arrows: arrowsBetween(boxOf, edges),
    isPart: true,
  };
}

interface Chosen {
  readonly meant: ReadonlySet<string>;
  /** Those of them that get a box of their own. */
  readonly open: ReadonlySet<string>;
}

const OPEN = MOST / 2;

/** The hosts that were asked for; undefined if none was. Of more than one picture can show, the rest stays in groups. */
function chosenHosts(
  hosts: readonly Host[],
  edges: readonly Way[],
  { focus, tag, troubled }: Wanted,
): Chosen | undefined {
  if (focus === undefined && tag === undefined && !troubled) return undefined;
  const meant = (host: Host): boolean =>
    (tag === undefined || host.tags.includes(tag)) && (!troubled || needsAttention(host.health));
  const through = focus === undefined ? undefined : pathsThrough(focus, edges);
  const all = hosts.filter((host) => meant(host) && through?.has(host.name) !== false);
  if (all.length > MOST && focus !== undefined) {
    const beside = neighbours(new Set([focus]), edges);
    const open = beside.size <= MOST ? beside : new Set([focus]);
    return { meant: open, open };
  }
  const first = all.toSorted((a, b) => Number(isCalm(a)) - Number(isCalm(b)));
  const open = all.length > MOST ? first.slice(0, OPEN) : first;
  return { meant: namesOf(all), open: namesOf(open) };
}

const isCalm = ({ health }: Host): boolean => !needsAttention(health);

const namesOf = (hosts: readonly Host[]): ReadonlySet<string> =>
  new Set(hosts.map(({ name }) => name));

/** Hosts, and those that they send to or get something from. */
function neighbours(hosts: ReadonlySet<string>, edges: readonly Way[]): ReadonlySet<string> {
  const near = new Set(hosts);
  for (const { from, to } of edges) {
    if (hosts.has(from)) near.add(to);
    if (hosts.has(to)) near.add(from);
  }
  return near;
}

function boxesByHost(hosts: readonly Host[], open: ReadonlySet<string>): ReadonlyMap<string, Box> {
  const closed = Map.groupBy(
    hosts.filter(({ name }) => !open.has(name)),
    (host) => `${host.tags.length === 0 ? 'name' : 'tag'} ${groupName(host)}`,
  );
  const largest = [...closed].toSorted(([, a], [, b]) => b.length - a.length);
  const room = Math.max(1, MOST - open.size);
  const boxes = largest.slice(0, room).map(([key, of]): Box => {
    const by = key.startsWith('tag ') ? 'tag' : 'name';
    return { id: key, group: { by, name: key.slice(by.length + 1) }, hosts: of };
  });
  const rest = largest.slice(room).flatMap(([, of]) => of);
  if (rest.length > 0) boxes.push({ id: 'rest', group: { by: 'rest', name: '' }, hosts: rest });
  for (const host of hosts)
    if (open.has(host.name)) boxes.push({ id: `host ${host.name}`, hosts: [host] });
  return new Map(boxes.flatMap((box) => box.hosts.map(({ name }) => [name, box] as const)));
}

const groupName = ({ name, tags }: Host): string => tags[0] ?? /^[^-_.\d]+/.exec(name)?.[0] ?? name;

function arrowsBetween(boxOf: ReadonlyMap<string, Box>, edges: readonly Way[]): readonly Arrow[] {
  const found = new Map<string, Arrow>();
  for (const way of edges) {
    const from = boxOf.get(way.from)?.id;
    const to = boxOf.get(way.to)?.id;
    if (from === undefined || to === undefined || from === to) continue;
    const key = `${from} → ${to}`;
    const before = found.get(key);
    found.set(
      key,
      before === undefined
        ? { ...way, from, to, many: 1 }
        : { ...before, labels: NONE, many: before.many + 1 },
    );
  }
  return [...found.values()];
}

const NONE: readonly string[] = [];
