import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DURABILITIES } from '../src/broker/embedded/nats-server.ts';
import { print, say, table } from '../src/cli/output.ts';
import { engineProcess } from './engine-process.ts';
import { freePorts } from './free-ports.ts';
import { load, timesOf } from './load.ts';
import { receiver } from './peers.ts';
import { people } from './people.ts';
import { tokenIn } from './token.ts';

/**
 * What many messages, or a long time, leave in memory: T2 through one engine whose console is open
 * in a browser, in ten parts, and the resident memory after each. Beside the first part, which is
 * the baseline, it tells growth. The receiver counts each message.
 */

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '30000' },
    connections: { type: 'string', default: '10' },
    /** Messages per second; if left out, as fast as they are acknowledged. */
    rate: { type: 'string' },
    durability: { type: 'string', default: 'power-loss' },
    pages: { type: 'string', default: '1' },
    /** Another checkout, whose engine is started instead of this one's. */
    checkout: { type: 'string' },
  },
});
const PARTS = 10;
const messages = Number(values.messages);
const rate = values.rate === undefined ? undefined : Number(values.rate);

const arrived = new Map<string, number>();
const peer = await receiver((id) => arrived.set(id, (arrived.get(id) ?? 0) + 1));
const [port = 0, consolePort = 0] = await freePorts(2);
const engine = await engineProcess({
  production: join(import.meta.dirname, 'productions/t2'),
  durability: DURABILITIES.find((one) => one === values.durability) ?? 'power-loss',
  ports: [port, consolePort],
  consoleAt: `127.0.0.1:${consolePort}`,
  environment: { BENCH_IN: String(port), BENCH_OUT: String(peer.port) },
  checkout: values.checkout,
});
const api = `http://127.0.0.1:${consolePort}/api/v1/`;

async function part(number: number): Promise<string[]> {
  const first = Math.round((messages * number) / PARTS);
  const count = Math.round((messages * (number + 1)) / PARTS) - first;
  const before = engine.cpuSeconds();
  const { seconds, acknowledged } = await load({
    ports: [port],
    portOf: () => 0,
    connections: Number(values.connections),
    messages: count,
    first,
    onSend: () => undefined,
    rate,
  });
  while (arrived.size < first + count) await sleep(20);
  const { p50, p99 } = timesOf(acknowledged);
  const memory = engine.rssMiB();
  const cpu = engine.cpuSeconds();
  const spent = (cpu.engine - before.engine) / count;
  const row = [
    first + count,
    Math.round(count / seconds),
    p50,
    p99,
    memory.engine,
    memory.nats,
    (1_000 * spent).toFixed(2),
  ];
  say(`  ${row.join('  ')}`);
  return row.map(String);
}

try {
  const idle = engine.rssMiB();
  const token = await tokenIn(engine.data);
  const users = people({ api, token, searchers: Number(values.pages), what: 'pages' });
  const rows: string[][] = [];
  for (let number = 0; number < PARTS; number++) rows.push(await part(number));
  await users.leave();
  const head = [
    'messages',
    'in/s',
    'ACK p50 ms',
    'p99',
    'RSS MiB engine',
    'nats',
    'CPU ms of the engine',
  ];
  const repeated = [...arrived.values()].filter((times) => times > 1).length;
  print(table([head, ['0', '', '', '', String(idle.engine), String(idle.nats), ''], ...rows]));
  print(`${arrived.size} of ${messages} arrived, ${repeated} of them more than once`);
} finally {
  await engine.stop();
  await peer.close();
}
