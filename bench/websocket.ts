import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { WebSocket, WebSocketServer } from 'ws';
import websocketIn from '../adapters/websocket/websocket-in.ts';
import websocketOut from '../adapters/websocket/websocket-out.ts';
import { print, table } from '../src/cli/output.ts';
import { lent, listening, outgoing } from './lent.ts';
import { median } from './median.ts';
import { message } from './messages.ts';

/**
 * The rate of HL7 messages over WebSockets, one in flight on each connection, each answered: ws alone, and either side by
 * its adapter, with a store that accepts everything at once. Bare is what a user of ws would write: the listener reads
 * the header and answers with its control id, the sender reads the code. Blind looks at nothing, and each answer is the
 * same bytes. The listeners are another process.
 *
 *     node --conditions=waybill-source bench/websocket.ts [--messages 1000] [--rounds 30]
 */

type Side = 'blind' | 'bare' | 'adapter';

interface Lane {
  readonly sender: Side;
  readonly listener: Side;
  /** One for each connection; resolves once the message is answered. */
  readonly sends: readonly ((body: Buffer) => Promise<void>)[];
  readonly rates: number[];
  close(): Promise<void>;
}

const PAIRS: readonly (readonly [Side, Side])[] = [
  ['blind', 'blind'],
  ['bare', 'bare'],
  ['adapter', 'bare'],
  ['bare', 'adapter'],
  ['adapter', 'adapter'],
];

/** Messages after which a pair no longer gets faster. */
const WARM_UP = 8_000;

async function bareSender(
  url: string,
  isBlind: boolean,
): Promise<Pick<Lane, 'close'> & { send: Lane['sends'][number] }> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  return {
    async send(body) {
      const answered = once(socket, 'message');
      socket.send(body, { binary: false });
      const [answer] = (await answered) as [Buffer];
      if (isBlind) return;
      const [, msa = ''] = answer.toString('latin1').split('\r');
      if (msa.split('|')[1] !== 'AA') throw new Error(`answered ${msa}`);
    },
    async close() {
      socket.close();
      await once(socket, 'close');
    },
  };
}

async function adapterSender(
  url: string,
): Promise<Pick<Lane, 'close'> & { send: Lane['sends'][number] }> {
  const open = await websocketOut.open(lent(websocketOut.settings, { url, reply: 'next' }));
  const { signal } = new AbortController();
  return {
    async send(body) {
      const reply = await open.send(outgoing(body), signal);
      if (reply?.code !== 'AA') throw new Error(`answered ${reply?.code}`);
    },
    close: () => open.close(),
  };
}

async function laneOf(
  [sender, listener]: readonly [Side, Side],
  urls: Readonly<Record<Side, string>>,
  connections: number,
): Promise<Lane> {
  const open = (): ReturnType<typeof adapterSender> =>
    sender === 'adapter'
      ? adapterSender(urls[listener])
      : bareSender(urls[listener], sender === 'blind');
  const senders = await Promise.all(Array.from({ length: connections }, open));
  return {
    sender,
    listener,
    sends: senders.map(({ send }) => send),
    rates: [],
    close: async () => void (await Promise.all(senders.map((one) => one.close()))),
  };
}

async function rate(lane: Lane, bodies: readonly Buffer[]): Promise<number> {
  const unsent = bodies.values();
  const began = performance.now();
  const drive = async (send: Lane['sends'][number]): Promise<void> => {
    for (const body of unsent) await send(body);
  };
  await Promise.all(lane.sends.map(drive));
  return (bodies.length * 1_000) / (performance.now() - began);
}

/** Every pair in every round, so that other work on the machine affects all of them. */
async function measured(messages: number, rounds: number): Promise<string[][]> {
  const listener = fork(fileURLToPath(import.meta.url), ['--listen']);
  const [urls] = (await once(listener, 'message')) as [Readonly<Record<Side, string>>];
  const bodies = Array.from({ length: messages }, (_, n) => message(n).bytes);
  const rows: string[][] = [];
  for (const connections of [1, 16]) {
    const lanes = await Promise.all(PAIRS.map((pair) => laneOf(pair, urls, connections)));
    const unmeasured = Math.ceil(WARM_UP / messages);
    for (let round = 0; round < unmeasured + rounds; round++) {
      for (const lane of lanes) lane.rates.push(await rate(lane, bodies));
      // each is first in a round equally often
      lanes.push(...lanes.splice(0, 1));
    }
    const alone = (side: Side): Lane | undefined =>
      lanes.find((one) => one.sender === side && one.listener === side);
    for (const { sender, listener: side, rates } of lanes) {
      const taken = rates.slice(unmeasured);
      const beside = (other: Side): string =>
        median(taken.map((one, at) => one / (alone(other)?.rates[unmeasured + at] ?? one))).toFixed(
          2,
        );
      const perSecond = String(Math.round(median(taken)));
      rows.push([String(connections), sender, side, perSecond, beside('bare'), beside('blind')]);
    }
    await Promise.all(lanes.map((lane) => lane.close()));
  }
  listener.kill();
  await once(listener, 'exit');
  return rows;
}

const ACK = Buffer.from('MSH|^~\\&|HUB|H|LAB|L|20260101120000||ACK|1|P|2.5\rMSA|AA|1\r');

let answers = 0;

function acknowledged(body: Buffer): Buffer {
  const fields = body.toString('latin1', 0, body.indexOf('\r')).split('|');
  const [, , application, facility, receiver, place] = fields;
  const now = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14);
  return Buffer.from(
    `MSH|^~\\&|${receiver}|${place}|${application}|${facility}|${now}||ACK|${++answers}|P|${fields[11]}\rMSA|AA|${fields[9]}\r`,
    'latin1',
  );
}

async function bareListener(answer: (body: Buffer) => Buffer): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  server.on('connection', (socket) => {
    socket.on('message', (body: Buffer) => socket.send(answer(body), { binary: false }));
  });
  await once(server, 'listening');
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function listen(): Promise<void> {
  process.send?.({
    blind: await bareListener(() => ACK),
    bare: await bareListener(acknowledged),
    adapter: `ws://${await listening(websocketIn)}/`,
  });
}

const { values } = parseArgs({
  options: {
    listen: { type: 'boolean', default: false },
    messages: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '30' },
  },
});
if (values.listen) await listen();
else {
  const rows = await measured(Number(values.messages), Number(values.rounds));
  print(table([['connections', 'sender', 'listener', '/s', '× bare', '× blind'], ...rows]));
}
