import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { exampleProduction } from '../support/example-production.ts';
import { framedPeer } from '../support/framed-peer.ts';
import { mllpPeer } from '../support/mllp-peer.ts';
import { startNats } from '../support/nats.ts';
import { rawClient } from '../support/raw-client.ts';
import { run } from '../support/running.ts';

/** Keeps what each connection to it says until its end. */
async function ear(): Promise<
  AsyncDisposable & { readonly port: number; readonly sockets: Socket[]; readonly heard: string[] }
> {
  const sockets: Socket[] = [];
  const heard: string[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('end', () => text !== '' && heard.push(text));
  });
  const port = await freePort();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    port,
    sockets,
    heard,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The pharmacy's stock: a length of two bytes before each question and each answer. */
const stockPeer = () =>
  framedPeer(
    (bytes) => {
      const end = bytes.length < 2 ? Number.POSITIVE_INFINITY : 2 + bytes.readUInt16BE();
      if (bytes.length < end) return undefined;
      return { body: bytes.subarray(2, end), rest: bytes.subarray(end) };
    },
    (question) => {
      const answer = Buffer.from(question.endsWith('0') ? 'ERR E17' : `OK ${question}: 4`);
      return Buffer.concat([Buffer.of(0, answer.length), answer]);
    },
  );

test('the example of a ward’s devices runs on two engines: one calls the scale, each takes what comes to it', async () => {
  await using scale = await ear();
  await using printer = await ear();
  await using chart = await mllpPeer();
  await using stock = await stockPeer();
  await using nats = await startNats();
  const ports = [await freePort(), await freePort()];
  const definitions = await Promise.all(
    ports.map(async (port) =>
      exampleProduction('ward-devices', {
        SCALE: `127.0.0.1:${scale.port}`,
        CABINET: `127.0.0.1:${port}`,
        LABELS: `127.0.0.1:${await freePort()}`,
        CHART: `127.0.0.1:${chart.port}`,
        STOCK: `127.0.0.1:${stock.port}`,
        PRINTER: `127.0.0.1:${printer.port}`,
      }),
    ),
  );
  const [first, second] = definitions;
  if (first === undefined || second === undefined) throw new Error('there should be two');
  await using one = await run(nats, first);
  await using two = await run(nats, second);
  const connections = () =>
    [one, two].map(({ director }) => {
      const status = director.statuses().find(({ host }) => host === 'scale');
      return status?.connection ?? 'none';
    });
  await vi.waitFor(() => expect(connections().filter((is) => is === 'connected')).toHaveLength(1), {
    timeout: 15_000,
  });
  expect(scale.sockets).toHaveLength(1);

  scale.sockets[0]?.write('4711;72.4;kg\r\n');
  await vi.waitFor(() => expect(chart.received).toHaveLength(1), { timeout: 15_000 });
  expect(chart.received[0]?.toString()).toMatch(/\rPID\|\|\|4711\r[^]*\|72\.4\|kg\|/);

  // the lost connection is made again by whichever engine has the lease
  scale.sockets[0]?.destroy();
  await vi.waitFor(() => expect(scale.sockets).toHaveLength(2), { timeout: 15_000 });
  scale.sockets[1]?.write('4712;80;kg\r\n');
  await vi.waitFor(() => expect(chart.received).toHaveLength(2), { timeout: 15_000 });

  for (const port of ports) {
    await using cabinet = await rawClient(port);
    cabinet.write('\x02STOCK 12345\x03\x02STOCK 120\x03');
    await cabinet.hears('\x02OK STOCK 12345: 4\x03\x02ERR E17\x03');
  }

  const labels = first.services.get('labels')?.settings['listen'] as { port: number };
  await fetch(`http://127.0.0.1:${labels.port}/labels`, {
    method: 'POST',
    headers: { 'content-type': 'application/zpl' },
    body: '^XA^FDDoe^XZ',
  });
  await vi.waitFor(() => expect(printer.heard).toEqual(['^XA^FDDoe^XZ']), { timeout: 15_000 });
});
