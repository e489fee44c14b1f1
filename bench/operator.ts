import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { print, table } from '../src/cli/output.ts';
import { engineProcess } from './engine-process.ts';
import { freePorts } from './free-ports.ts';
import { load, percentile } from './load.ts';
import { receiver } from './peers.ts';

/**
 * Whether the operator plane slows the engine: the T2 workload runs in turns without and with people who
 * search the trace, watch the dashboard and follow what happens. One process, as `waybill run` starts it.
 */

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '3000' },
    connections: { type: 'string', default: '10' },
    searchers: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
  },
});
const messages = Number(values.messages);
const connections = Number(values.connections);

interface Turn {
  readonly rate: number;
  readonly acknowledged: readonly number[];
  /** Milliseconds of each search. */
  readonly searches: readonly number[];
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
let sent = 0;

async function turn(searchers: number): Promise<Turn> {
  const people =
    searchers === 0
      ? undefined
      : new Worker(new URL('searchers.ts', import.meta.url), { workerData: { api, searchers } });
  const { seconds, acknowledged } = await load({
    ports: [port],
    portOf: () => 0,
    connections,
    messages,
    first: sent,
    onSend: () => undefined,
  });
  sent += messages;
  people?.postMessage('stop');
  const [searches] = people === undefined ? [[]] : ((await once(people, 'message')) as [number[]]);
  while (peer.count() < sent) await sleep(20);
  return { rate: messages / seconds, acknowledged, searches };
}

try {
  await turn(0);
  const quiet: Turn[] = [];
  const busy: Turn[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    quiet.push(await turn(0));
    busy.push(await turn(Number(values.searchers)));
  }
  print(report([quiet, busy]));
} finally {
  await engine.stop();
  await peer.close();
}

function report(sets: readonly (readonly Turn[])[]): string {
  const rows = sets.map((turns, index) => {
    const acknowledged = turns.flatMap((one) => one.acknowledged).toSorted((a, b) => a - b);
    const searches = turns.flatMap((one) => one.searches).toSorted((a, b) => a - b);
    const rate = turns.reduce((sum, one) => sum + one.rate, 0) / turns.length;
    return [
      index === 0 ? 'nobody looks' : `${values.searchers} search, 1 follows`,
      String(Math.round(rate)),
      String(percentile(acknowledged, 0.5)),
      String(percentile(acknowledged, 0.99)),
      String(searches.length),
      searches.length === 0 ? '' : String(Math.round(percentile(searches, 0.5))),
      searches.length === 0 ? '' : String(Math.round(percentile(searches, 0.99))),
    ];
  });
  const head = ['T2', 'messages/s', 'ACK p50 ms', 'ACK p99 ms', 'searches', 'p50 ms', 'p99 ms'];
  return table([head, ...rows]);
}
