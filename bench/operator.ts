import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { print, table } from '../src/cli/output.ts';
import { engineProcess } from './engine-process.ts';
import { freePorts } from './free-ports.ts';
import { load, percentile } from './load.ts';
import { receiver } from './peers.ts';
import { people } from './people.ts';
import { tokenIn } from './token.ts';

/**
 * Whether the operator plane blocks the engine: the T2 workload runs alternately alone, next to a
 * busy loop in another process, and with users who search the trace without a pause, watch the
 * dashboard and follow live events; or with pages that are open and ask for what they show. One engine process, as started by `waybill run`. If searching
 * costs no more than the loop, it only uses CPU time and blocks nothing. With `--rate` the messages
 * come at a fixed rate, as in a hospital.
 */

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '3000' },
    connections: { type: 'string', default: '10' },
    searchers: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    /** Some of nobody, burner, searchers and pages. */
    beside: { type: 'string' },
    /** Messages per second; if left out, as fast as they are acknowledged. */
    rate: { type: 'string' },
  },
});
const messages = Number(values.messages);
const connections = Number(values.connections);

interface Turn {
  readonly rate: number;
  readonly acknowledged: readonly number[];
  /** Milliseconds of each request, by what was asked. */
  readonly asked: ReadonlyMap<string, readonly number[]>;
}

const peer = await receiver(() => undefined);
const [port = 0, consolePort = 0] = await freePorts(2);
const engine = await engineProcess({
  production: join(import.meta.dirname, 'productions/t2'),
  durability: 'power-loss',
  ports: [port, consolePort],
  consoleAt: `127.0.0.1:${consolePort}`,
  environment: { BENCH_IN: String(port), BENCH_OUT: String(peer.port) },
});
const api = `http://127.0.0.1:${consolePort}/api/v1/`;
const token = await tokenIn(engine.data);
let sent = 0;

type Beside = 'nobody' | 'burner' | 'searchers' | 'pages';

/** Runs the workload once next to something else. */
async function turn(beside: Beside): Promise<Turn> {
  const searchers = Number(values.searchers);
  const what = beside === 'pages' ? 'pages' : 'searches';
  const users =
    beside === 'searchers' || beside === 'pages'
      ? people({ api, token, searchers, what })
      : undefined;
  const burner = beside === 'burner' ? burn() : undefined;
  const { seconds, acknowledged } = await load({
    ports: [port],
    portOf: () => 0,
    connections,
    messages,
    first: sent,
    onSend: () => undefined,
    rate: values.rate === undefined ? undefined : Number(values.rate),
  });
  sent += messages;
  burner?.kill();
  const asked = (await users?.leave()) ?? new Map<string, number[]>();
  while (peer.count() < sent) await sleep(20);
  return { rate: messages / seconds, acknowledged, asked };
}

const LABELS: Readonly<Record<Beside, string>> = {
  nobody: 'alone',
  burner: 'beside a busy loop',
  searchers: `${values.searchers} search, 1 follows`,
  pages: `${values.searchers} have pages open`,
};

const BESIDE: readonly Beside[] =
  values.beside === undefined
    ? ['nobody', 'burner', 'searchers', 'pages']
    : (values.beside.split(',') as Beside[]);

/** The cost of the same CPU time without any relation to the engine: a loop, as nice as the operator plane. */
function burn(): ChildProcess {
  return spawn(process.execPath, ['-e', 'os.setPriority(0, 5); for (;;) Math.sqrt(2);'], {
    stdio: 'ignore',
  });
}

try {
  await turn('nobody');
  const turns = new Map<Beside, Turn[]>(BESIDE.map((one) => [one, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const one of BESIDE) turns.get(one)?.push(await turn(one));
  }
  print(report(turns));
} finally {
  await engine.stop();
  await peer.close();
}

function report(measured: ReadonlyMap<Beside, readonly Turn[]>): string {
  const rows = [...measured].map(([beside, turns]) => {
    const acknowledged = turns.flatMap((one) => one.acknowledged).toSorted((a, b) => a - b);
    const searches = turns
      .flatMap(({ asked }) => [...asked.values()].flat())
      .toSorted((a, b) => a - b);
    const rate = turns.reduce((sum, one) => sum + one.rate, 0) / turns.length;
    return [
      LABELS[beside],
      String(Math.round(rate)),
      String(percentile(acknowledged, 0.5)),
      String(percentile(acknowledged, 0.99)),
      String(searches.length),
      searches.length === 0 ? '' : String(Math.round(percentile(searches, 0.5))),
      searches.length === 0 ? '' : String(Math.round(percentile(searches, 0.99))),
    ];
  });
  const head = ['T2', 'messages/s', 'ACK p50 ms', 'ACK p99 ms', 'searches', 'p50 ms', 'p99 ms'];
  return `${table([head, ...rows])}\n${byPath(measured)}`;
}

/** What each kind of request took: some wait for the engine, others only for the thread that answers. */
function byPath(measured: ReadonlyMap<Beside, readonly Turn[]>): string {
  const all = new Map<string, number[]>();
  for (const { asked } of measured.get('pages') ?? [])
    for (const [path, times] of asked) all.set(path, [...(all.get(path) ?? []), ...times]);
  const rows = [...all].map(([path, times]) => {
    const sorted = times.toSorted((a, b) => a - b);
    return [path, ...[0.5, 0.9, 0.99].map((part) => `${Math.round(percentile(sorted, part))}`)];
  });
  return rows.length === 0 ? '' : table([['asked', 'p50 ms', 'p90 ms', 'p99 ms'], ...rows]);
}
