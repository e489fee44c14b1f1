import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { readNatsState } from '../../src/broker/embedded/nats-server.ts';
import { remoteTrace } from '../../src/control/remote-trace.ts';
import { dicomDocument } from '../../src/document/dicom/dicom-document.ts';
import { astmDevice, astmServer, result } from '../support/astm-device.ts';
import { dicomFile, hasDcmtk, startArchive, storescu } from '../support/dicom.ts';
import { type EngineProcess, startEngineProcess } from '../support/engine-process.ts';
import { type Cut, framedPeer } from '../support/framed-peer.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { noWebsockets, websocketPeer } from '../support/websocket-peer.ts';

const KILLS = 3;
/** What each sender gets accepted between two kills, at least. */
const BETWEEN = 4;

/** A sender, and a receiver of the same protocol, with an engine between them. */
interface Line {
  readonly name: string;
  readonly listen: number;
  /** The settings of its service and its operation. */
  readonly service: string;
  readonly operation: string;
  /** Sends one message; false if it was not accepted. Throws if the connection is lost. */
  readonly send: (n: number) => Promise<boolean>;
  /** The numbers that arrived, in order. */
  arrived(): Promise<readonly number[]>;
}

const byLine: Cut = (bytes) => {
  const end = bytes.indexOf('\n');
  if (end < 0) return undefined;
  return { body: bytes.subarray(0, end), rest: Buffer.from(bytes.subarray(end + 1)) };
};

const peers = new AsyncDisposableStack();
const folder = peers.use(await temporaryFolder('killed-devices'));
const data = join(folder.path, 'data');
const lines = await allLines();
const accepted = new Map<string, number>();

async function allLines(): Promise<Line[]> {
  return [
    await tcpLine(),
    ...(noWebsockets === undefined ? [await websocketLine()] : []),
    await astmLine(),
    ...(hasDcmtk ? [await dicomLine()] : []),
  ];
}

async function tcpLine(): Promise<Line> {
  const receiver = peers.use(await framedPeer(byLine, () => Buffer.from('OK\r\n')));
  const listen = await freePort();
  return {
    name: 'tcp',
    listen,
    service: `{ listen: "127.0.0.1:${listen}", type: text/plain, answer: stored }`,
    operation: `{ connect: "127.0.0.1:${receiver.port}", reply: framed, accepted: OK }`,
    async send(n) {
      const socket = connect(listen, '127.0.0.1');
      try {
        socket.write(`${n}\n`);
        // a killed engine ends the connection without an error
        const answered = once(socket, 'data') as Promise<[Buffer]>;
        const ended = once(socket, 'end').then(() => [Buffer.alloc(1)]);
        const [answer = Buffer.alloc(1)] = await Promise.race([answered, ended]);
        return answer[0] === 6;
      } finally {
        socket.destroy();
      }
    },
    arrived: async () => await Promise.resolve(receiver.received.map((body) => Number(body))),
  };
}

async function websocketLine(): Promise<Line> {
  const receiver = peers.use(await websocketPeer());
  const listen = await freePort();
  return {
    name: 'websocket',
    listen,
    service: `{ listen: "127.0.0.1:${listen}", type: text/plain }`,
    operation: `{ url: "ws://127.0.0.1:${receiver.port}/killed" }`,
    async send(n) {
      const socket = new WebSocket(`ws://127.0.0.1:${listen}/`);
      const over = Promise.race([once(socket, 'error'), once(socket, 'close')]).then(() => {
        throw new Error('the connection is lost');
      });
      try {
        await Promise.race([once(socket, 'open'), over]);
        const answered = once(socket, 'message');
        socket.send(String(n));
        const [{ data: answer }] = (await Promise.race([answered, over])) as [{ data: unknown }];
        return String(answer).includes('stored');
      } finally {
        over.catch(() => undefined);
        socket.close();
      }
    },
    async arrived() {
      const { received } = await receiver.at('/killed');
      return received.map(({ body }) => Number(body));
    },
  };
}

async function astmLine(): Promise<Line> {
  const receiver = peers.use(await astmServer());
  const listen = await freePort();
  return {
    name: 'astm',
    listen,
    service: `{ listen: "127.0.0.1:${listen}" }`,
    operation: `{ connect: "127.0.0.1:${receiver.port}" }`,
    async send(n) {
      await using device = await astmDevice(listen);
      return (await device.send(result(String(n)))) === '\x06';
    },
    arrived: async () =>
      await Promise.resolve(receiver.received.map((body) => Number(String(body).split('|')[2]))),
  };
}

async function dicomLine(): Promise<Line> {
  const receiver = peers.use(await startArchive());
  const listen = await freePort();
  return {
    name: 'dicom',
    listen,
    service: `{ listen: "127.0.0.1:${listen}" }`,
    operation: `{ connect: "127.0.0.1:${receiver.port}", title: ARCHIVE }`,
    async send(n) {
      const { code } = await storescu(listen, [dicomFile({ instance: n + 1 })]);
      return code === 0;
    },
    async arrived() {
      const files = await receiver.files();
      return files.map((file) => {
        const uid = dicomDocument(file).get('SOPInstanceUID');
        return Number(uid.slice(uid.lastIndexOf('.') + 1)) - 1;
      });
    },
  };
}

function productionYaml(): string {
  const services = lines.map(
    ({ name, service }) =>
      `  ${name}: { adapter: ${name}-in, settings: ${service}, to: ${name}-to }`,
  );
  const operations = lines.map(
    ({ name, operation }) =>
      `  ${name}-to: { adapter: ${name}-out, settings: ${operation}, retry: { every: 100ms, for: forever } }`,
  );
  return ['production: killed', 'services:', ...services, 'operations:', ...operations, ''].join(
    '\n',
  );
}

const start = (): Promise<EngineProcess> =>
  startEngineProcess({
    production: folder.path,
    data,
    ports: lines.map(({ listen }) => listen),
    arguments: ['--log-level', 'error'],
  });

/** Sends one message after the other, each until it is accepted. */
async function keepSending({ name, send }: Line, isOver: () => boolean): Promise<void> {
  for (let n = 0; !isOver(); ) {
    const taken = await send(n).catch(() => false);
    if (!taken) continue;
    n += 1;
    accepted.set(name, n);
  }
}

const counts = (): number[] => lines.map(({ name }) => accepted.get(name) ?? 0);

beforeAll(async () => {
  await writeFile(join(folder.path, 'production.yaml'), productionYaml());
  let engine = await start();
  let isOver = false;
  const sending = Promise.all(lines.map((line) => keepSending(line, () => isOver)));
  for (let kill = 0; kill < KILLS; kill++) {
    const before = counts();
    await vi.waitUntil(() => counts().every((count, at) => count >= (before[at] ?? 0) + BETWEEN), {
      timeout: 60_000,
      interval: 5,
    });
    await engine.kill();
    engine = await start();
  }
  peers.use(engine);
  isOver = true;
  await sending;
}, 180_000);

afterAll(async () => {
  await peers.disposeAsync();
});

describe('an engine that is killed in the middle of a load', () => {
  test.for(lines)('loses nothing of $name, and changes no order', async (line) => {
    const count = accepted.get(line.name) ?? 0;
    expect(count).toBeGreaterThanOrEqual(KILLS * BETWEEN);
    const arrived = await vi.waitFor(
      async () => {
        const numbers = await line.arrived();
        expect(new Set(numbers).size).toBeGreaterThanOrEqual(count);
        return numbers;
      },
      { timeout: 60_000, interval: 50 },
    );
    const first = [...new Set(arrived)];
    expect(first.slice(0, count)).toEqual(Array.from({ length: count }, (_, n) => n));
    // a kill can lose the answer to the sender, and that of the receiver
    expect(arrived.length - first.length).toBeLessThanOrEqual(2 * KILLS);
  });

  test.for(lines)(
    'tells in the trace what of $name may have arrived twice',
    { timeout: 90_000 },
    async (line) => {
      const access = await readNatsState(data);
      if (access === undefined) throw new Error('nats-server is not running');
      await using broker = await connectBroker({ ...access, production: 'killed', role: 'test' });
      const trace = remoteTrace(broker, 'test');
      const target = `${line.name}-to`;
      await vi.waitFor(
        async () => {
          const { items } = await trace.find({ target, limit: 500 });
          const arrived = await line.arrived();
          const open = items.filter(({ status }) => status !== 'completed');
          expect(open.map(({ status, error }) => [status, error])).toEqual([]);
          const doubtful = items.filter(
            ({ possibleDuplicate, presumed }) => possibleDuplicate === true || presumed === true,
          );
          // the one that is being sent, and two whose outcomes are being stored
          expect(doubtful.length).toBeLessThanOrEqual(3 * KILLS);
          // each message once, and once more only if that is told
          expect(arrived.length).toBeGreaterThanOrEqual(items.length);
          expect(arrived.length).toBeLessThanOrEqual(items.length + doubtful.length);
        },
        { timeout: 60_000, interval: 100 },
      );
    },
  );
});
