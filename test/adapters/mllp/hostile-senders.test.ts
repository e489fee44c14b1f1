import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { portOf } from '../../support/mllp-sender.ts';
import { type OpenedInbound, texts } from '../../support/open-adapter.ts';
import { adt, listening } from './listening.ts';

const MB = 1_048_576;

interface Sender extends Disposable {
  readonly socket: Socket;
  readonly heard: () => string;
  readonly closed: () => boolean;
  readonly write: (bytes: Uint8Array) => Promise<void>;
}

/** Resolves with the event, or with the end of the connection. */
async function either(socket: Socket, event: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once(event, resolve).once('close', resolve);
  await promise;
}

/** A connection from one of this machine's addresses. */
function sender(opened: OpenedInbound, localAddress: string): Sender {
  const socket = connect({ port: portOf(opened), host: '127.0.0.1', localAddress });
  let heard = '';
  let closed = false;
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
  // it may be refused in the middle of what it sends
  socket.on('error', () => undefined);
  socket.on('close', () => (closed = true));
  return {
    socket,
    heard: () => heard,
    closed: () => closed,
    async write(bytes) {
      if (socket.connecting) await either(socket, 'connect');
      if (socket.write(bytes) || closed) return;
      await either(socket, 'drain');
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

const frame = (text: string): Buffer => Buffer.from(`\x0b${text}\x1c\r`);

test('one address has so many connections and no more, and others are served', async () => {
  await using opened = await listening();
  using stack = new DisposableStack();
  const half = Array.from({ length: 205 }, () => stack.use(sender(opened, '127.0.0.1')));
  for (const { socket } of half) socket.write('\x0b');
  await expect
    .poll(() => half.filter(({ closed }) => closed()).length, { timeout: 10_000 })
    .toBe(105);
  const other = stack.use(sender(opened, '127.0.0.2'));
  await other.write(frame(adt('O1')));
  await expect.poll(other.heard).toContain('MSA|AA|O1');
  expect(texts(opened)).toContain('it has 100 connections already (connectionsPerAddress)');
});

test('partial messages of one address take so much memory, and a large one of another is taken', async () => {
  await using opened = await listening();
  using stack = new DisposableStack();
  const before = process.memoryUsage.rss();
  const begun = `\x0b${adt('H1')}OBX|1|ED|PDF||`;
  const part = Buffer.alloc(MB, 'x');
  const hostile = Array.from({ length: 40 }, () => stack.use(sender(opened, '127.0.0.1')));
  await Promise.all(
    hostile.map(async ({ write }) => {
      await write(Buffer.from(begun));
      for (let n = 0; n < 28; n++) await write(part);
    }),
  );
  await expect
    .poll(() => hostile.filter(({ closed }) => closed()).length, { timeout: 20_000 })
    .toBeGreaterThanOrEqual(36);
  const refused = hostile.filter(({ heard }) => heard().includes('MSA|AR|H1'));
  expect(refused.length).toBeGreaterThan(0);
  // unlimited it is 1,100 and more; the senders' own buffers and garbage count here too
  expect((process.memoryUsage.rss() - before) / MB).toBeLessThan(650);
  const other = stack.use(sender(opened, '127.0.0.2'));
  await other.write(Buffer.from(`\x0b${adt('O1')}OBX|1|ED|PDF||`));
  for (let n = 0; n < 28; n++) await other.write(part);
  await other.write(Buffer.from('\r\x1c\r'));
  await expect.poll(other.heard, { timeout: 10_000 }).toContain('MSA|AA|O1');
  // what they held is free again once they are gone
  for (const { socket } of hostile) socket.destroy();
  const again = stack.use(sender(opened, '127.0.0.1'));
  await again.write(Buffer.from(`\x0b${adt('A1')}OBX|1|ED|PDF||`));
  for (let n = 0; n < 28; n++) await again.write(part);
  await again.write(Buffer.from('\r\x1c\r'));
  await expect.poll(again.heard, { timeout: 10_000 }).toContain('MSA|AA|A1');
});

test('senders that find all connections taken are told of, once a minute for all of them', async () => {
  await using opened = await listening({ maxConnections: 2 });
  using stack = new DisposableStack();
  const all = [1, 2, 3, 4, 5, 6].map((n) => stack.use(sender(opened, `127.0.0.${n}`)));
  await expect.poll(() => all.filter(({ closed }) => closed()).length).toBe(4);
  expect(opened.events.filter(({ name }) => name === 'refused')).toHaveLength(1);
  expect(texts(opened)).toContain('there are 2 connections already (maxConnections)');
});

test('a message that comes a byte at a time ends in time', async () => {
  await using opened = await listening({ frameTimeout: '400ms' });
  using slow = sender(opened, '127.0.0.1');
  await slow.write(Buffer.from('\x0bMSH|'));
  const drip = async (): Promise<void> => {
    while (!slow.closed()) {
      await slow.write(Buffer.from('x'));
      await sleep(20);
    }
  };
  await drip();
  expect(texts(opened)).toContain('it did not finish a message in time');
});

test('who breaks off message after message is told of once a minute', async () => {
  await using opened = await listening();
  for (let n = 0; n < 6; n++) {
    using one = sender(opened, '127.0.0.1');
    await one.write(Buffer.from('\x0bMSH|^~\\&|'));
    one.socket.end();
    await either(one.socket, 'end');
  }
  await expect
    .poll(() => opened.events.filter(({ name }) => name === 'message-unfinished'))
    .toHaveLength(1);
  await sleep(100);
  expect(opened.events.filter(({ name }) => name === 'message-unfinished')).toHaveLength(1);
});
