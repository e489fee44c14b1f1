import { describe, expect, test } from 'vitest';
import { type Picture, pictureOf, type Wanted } from '../../console/src/production/boxes.ts';
import type { Host, ProductionMap } from '../../src/api/contract/host.ts';

/** What of a large production is drawn. */

const NOTHING: Wanted = { focus: undefined, tag: undefined, troubled: false };

const host = (name: string, tags: readonly string[], health: Host['health'] = 'running'): Host => ({
  name,
  kind: 'operation',
  tags,
  health,
  overrides: [],
  engines: [],
});
const way = (from: string, to: string): ProductionMap['edges'][number] => ({
  from,
  to,
  by: 'to',
  labels: [],
});

const names = ({ boxes }: Picture): readonly string[] =>
  boxes.flatMap(({ group, hosts }) => (group === undefined ? hosts.map(({ name }) => name) : []));

/** 2,000 hosts, 50 of a tag; each sends to the next. */
const hosts = Array.from({ length: 2_000 }, (_, n) =>
  host(`host-${n}`, [`unit-${n % 40}`], n % 500 === 3 ? 'disconnected' : 'running'),
);
const edges = hosts.slice(1).map(({ name }, n) => way(`host-${n}`, name));

describe('the picture of a production', () => {
  test('is each host and each way of a small one', () => {
    const few = hosts.slice(0, 100);
    const picture = pictureOf({ hosts: few, edges: edges.slice(0, 99) }, NOTHING);
    expect(names(picture)).toEqual(few.map(({ name }) => name));
    expect(picture.arrows).toHaveLength(99);
    expect(picture.isPart).toBe(false);
  });

  test('is one box for each tag of a large one, which loses no host and no way', () => {
    const { boxes, arrows } = pictureOf({ hosts, edges }, NOTHING);
    expect(boxes).toHaveLength(40);
    expect(boxes.reduce((sum, box) => sum + box.hosts.length, 0)).toBe(2_000);
    expect(arrows.reduce((sum, { many }) => sum + many, 0)).toBe(1_999);
  });

  test('has no more boxes with thousands of tags, or with none', () => {
    const own = hosts.map((one) => ({ ...one, tags: [one.name] }));
    expect(pictureOf({ hosts: own, edges }, NOTHING).boxes.length).toBeLessThanOrEqual(121);
    const bare = hosts.map((one) => ({ ...one, tags: [] }));
    expect(pictureOf({ hosts: bare, edges }, NOTHING).boxes.map(({ group }) => group)).toEqual([
      { by: 'name', name: 'host' },
    ]);
  });

  test('opens a tag, with its neighbours in their groups', () => {
    const picture = pictureOf({ hosts, edges }, { ...NOTHING, tag: 'unit-7' });
    expect(names(picture)).toHaveLength(50);
    expect(picture.boxes.flatMap(({ group }) => group?.name ?? []).toSorted()).toEqual([
      'unit-6',
      'unit-8',
    ]);
  });

  test('opens what is in trouble', () => {
    const picture = pictureOf({ hosts, edges }, { ...NOTHING, troubled: true });
    expect(names(picture)).toEqual(['host-3', 'host-503', 'host-1003', 'host-1503']);
  });

  test('of more in trouble than one picture shows it opens some, and the rest is in groups', () => {
    const down = hosts.map((one, n) =>
      n % 5 === 0 ? { ...one, health: 'disconnected' as const } : one,
    );
    const picture = pictureOf({ hosts: down, edges: [] }, { ...NOTHING, troubled: true });
    expect(names(picture)).toHaveLength(60);
    expect(picture.boxes.reduce((sum, box) => sum + box.hosts.length, 0)).toBe(404);
  });

  test('of a tag with very many it opens those in trouble first', () => {
    const one = hosts.map((each) => ({ ...each, tags: ['all'] }));
    const picture = pictureOf({ hosts: one, edges }, { ...NOTHING, tag: 'all' });
    expect(names(picture)).toEqual(
      expect.arrayContaining(['host-3', 'host-503', 'host-1003', 'host-1503']),
    );
    expect(picture.boxes.flatMap(({ group, hosts: of }) => (group ? [of.length] : []))).toEqual([
      1_940,
    ]);
  });

  test('opens the host that is asked for, also one that sends to all others', () => {
    const fan = hosts.slice(1).map(({ name }) => way('host-0', name));
    const picture = pictureOf({ hosts, edges: fan }, { ...NOTHING, focus: 'host-0' });
    expect(names(picture)).toEqual(['host-0']);
    expect(picture.arrows.reduce((sum, { many }) => sum + many, 0)).toBe(1_999);
    const one = pictureOf({ hosts, edges: fan }, { ...NOTHING, focus: 'host-5' });
    expect(names(one)).toEqual(['host-0', 'host-5']);
  });

  test('survives a host that is asked for and not there', () => {
    expect(names(pictureOf({ hosts, edges }, { ...NOTHING, focus: 'gone' }))).toEqual([]);
  });
});
