import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Operated, operated } from '../support/operator.ts';
import { ANN } from '../support/person.ts';
import { signedInAs } from '../support/signed-in-as.ts';

const MB = 1_048_576;
/** Connections at a time, and the MB that they may take: kept, what they send would be twice as much. */
const FLOOD_OF = 150;
const BOUND = 150;
const who = signedInAs();
let production: Operated;

beforeAll(async () => {
  production = await operated({ console: { signIn: who.plugin } });
});
afterAll(async () => production[Symbol.asyncDispose]());

/** Opens connections that announce 8 MB, send 2 of them and wait; tells what each heard. In a process of its own, whose memory does not count. */
const FLOOD = `
const { connect } = require('node:net');
const [port, path, count] = process.argv.slice(1);
const part = Buffer.alloc(${MB}, ' ');
const heard = [];
const settled = new Set();
let told = false;
const tell = () => {
  if (told) return;
  told = true;
  console.log(JSON.stringify(heard.map((one) => one.slice(9, 12))));
  setTimeout(() => process.exit(0), 500);
};
const settle = (n) => {
  settled.add(n);
  // some are read on, without an answer yet
  if (settled.size > Number(count) - 10) setTimeout(tell, 500);
};
setTimeout(tell, 40000);
for (let n = 0; n < Number(count); n++) {
  const socket = connect(Number(port), '127.0.0.1', () => {
    socket.write('POST ' + path + ' HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nContent-Type: application/json\\r\\nContent-Length: 8388607\\r\\n\\r\\n');
    socket.write(part, () => socket.write(part));
  });
  heard[n] = '';
  socket.on('data', (chunk) => { heard[n] += chunk.toString('latin1'); settle(n); });
  socket.on('error', () => {});
  socket.on('close', () => settle(n));
}
`;

interface Flooded {
  /** By how much this process grew. */
  readonly mb: number;
  /** The status that each connection heard, if any. */
  readonly heard: readonly string[];
}

async function flooded(
  path: string,
  count: number,
  meanwhile: () => Promise<void>,
  url = production.url,
): Promise<Flooded> {
  const before = process.memoryUsage.rss();
  let peak = before;
  let over = false;
  const watch = async (): Promise<void> => {
    while (!over) {
      peak = Math.max(peak, process.memoryUsage.rss());
      await sleep(20);
    }
  };
  const watching = watch();
  const { port } = new URL(url);
  const child = spawn(process.execPath, ['-e', FLOOD, port, path, `${count}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  await meanwhile();
  await gone;
  over = true;
  await watching;
  return { mb: (peak - before) / MB, heard: JSON.parse(said.toString()) as string[] };
}

const nothing = async (): Promise<void> => undefined;

// what the first connections of a process make once is not what each costs
beforeAll(() => flooded('/api/v1/messages/search', 30, nothing));

test.each([
  ['of strangers', undefined, '/api/v1/messages/search', /^(401|)$/],
  ['to an address that does not exist', undefined, '/api/v1/nothing/here', /^(404|)$/],
  ['of who may not', { ...ANN, permissions: new Set([]) }, '/api/v1/messages/export', /^(403|)$/],
  ['of one person', ANN, '/api/v1/messages/search', /^(429|)$/],
])(
  'very many connections with 8 MB %s take little memory, and others are served',
  // the collector's moment is part of what is measured
  { retry: 2 },
  async (_, principal, path, status) => {
    who.principal = principal;
    const { mb, heard } = await flooded(path, FLOOD_OF, async () => {
      who.principal = { ...ANN, name: 'eve' };
      const { status: other } = await production.ask('POST', '/api/v1/messages/search', {});
      expect(other).toBe(200);
    });
    expect(mb).toBeLessThan(BOUND);
    expect(heard).toHaveLength(FLOOD_OF);
    for (const one of heard) expect(one).toMatch(status);
    // a connection that is cut while it still sends may lose its answer
    expect(heard.filter((one) => one !== '').length).toBeGreaterThan((FLOOD_OF * 2) / 3);
  },
);

test('very many connections with 8 MB to the sign-in take little memory', {
  retry: 2,
}, async () => {
  await using guarded = await operated({ administrator: false });
  const { mb, heard } = await flooded('/api/v1/sign-in', FLOOD_OF, nothing, guarded.url);
  expect(mb).toBeLessThan(BOUND);
  expect(heard.filter((one) => one === '413').length).toBeGreaterThan((FLOOD_OF * 2) / 3);
});

test('one address has so many connections and no more, and is served again when they are gone', async () => {
  const { port } = new URL(production.url);
  let closed = 0;
  const sockets = Array.from({ length: 450 }, () => {
    const socket = connect(Number(port), '127.0.0.1');
    // it is refused
    socket.on('error', () => undefined);
    return socket.once('close', () => (closed += 1));
  });
  // this process has a few of the same address already
  await expect.poll(() => closed >= 50 && closed < 60, { timeout: 10_000 }).toBe(true);
  for (const socket of sockets) socket.destroy();
  await expect.poll(async () => (await production.ask('GET', '/health/live')).status).toBe(200);
});
