import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { LANES, type Lane, laneOf } from './lanes.ts';

const ROOT = join(import.meta.dirname, '..');

/**
 * The files that take longest, 40 s to two minutes each; the first is begun first. Those that need the processors stand
 * between those that mostly wait for a server: at the end, several of these would leave the processors idle.
 */
const LONGEST = [
  'test/scenario/killed-twice.test.ts',
  'test/scenario/crash.test.ts',
  'test/browser/pages.test.ts',
  'test/adapters/amqp/amqp.test.ts',
  'test/package.test.ts',
  'test/adapters/sql/postgres.test.ts',
  'test/browser/many-hosts.test.ts',
  'test/adapters/sql/sql-server.test.ts',
  'test/browser/server-away.test.ts',
  'test/adapters/sql/maria.test.ts',
  'test/browser/editing.test.ts',
  'test/adapters/sql/oracle.test.ts',
  'test/browser/live.test.ts',
  'test/adapters/kafka/kafka-in.test.ts',
  'test/browser/several-productions.test.ts',
  'test/broker/cluster.test.ts',
  'test/scenario/events-in-any-order.test.ts',
  'test/adapters/azure/azure-blob.test.ts',
  'test/scenario/memory.test.ts',
  'test/scenario/killed-at-a-broker.test.ts',
  'test/browser/recovery.test.ts',
  'test/trace/store/postgres/trace-store.test.ts',
].map((file) => {
  const path = join(ROOT, file);
  if (!existsSync(path)) throw new Error(`${file} of test/longest-first.ts is not there`);
  return path;
});

/** How many that mostly wait stand between two with a browser, which need the processors all the time. */
const BETWEEN = 4;

const isLong = ({ moduleId }: TestSpecification): boolean => LONGEST.includes(moduleId);

const isIn = (folder: string): ((file: TestSpecification) => boolean) => {
  const path = join(ROOT, folder, '/');
  return ({ moduleId }) => moduleId.startsWith(path);
};

/** What takes longest, and then those with a browser, each with scenarios or others behind it. */
function inOrder(files: readonly TestSpecification[]): TestSpecification[] {
  const [long, rest] = parted(files, isLong);
  const [browsers, without] = parted(rest, isIn('test/browser'));
  const others = parted(without, isIn('test/scenario')).flat();
  return [
    ...long.toSorted(
      (one, other) => LONGEST.indexOf(one.moduleId) - LONGEST.indexOf(other.moduleId),
    ),
    ...browsers.flatMap((file, at) => [file, ...others.slice(at * BETWEEN, (at + 1) * BETWEEN)]),
    ...others.slice(browsers.length * BETWEEN),
  ];
}

const parted = <Item>(items: readonly Item[], is: (item: Item) => boolean): [Item[], Item[]] => [
  items.filter((item) => is(item)),
  items.filter((item) => !is(item)),
];

/** What shares its workers with another lane is run among that. */
const runWith = (lane: Lane): Lane => (lane === 'lossless' ? 'servers' : lane);

/** A lane after the other, since a worker keeps its modules within one. */
export class LongestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- the method of Vitest, not that of arrays
    const sorted = await super.sort(specifications);
    const byLane = Object.groupBy(sorted, ({ moduleId }) =>
      runWith(laneOf(relative(ROOT, moduleId))),
    );
    return LANES.flatMap((lane) => inOrder(byLane[lane] ?? []));
  }
}
