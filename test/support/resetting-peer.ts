import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'vitest';

/** A peer that resets its only connection while this thread waits for it, which therefore has not noticed when it writes. */
export interface ResettingPeer extends AsyncDisposable {
  readonly port: number;
  /** Resolves once it has got something. */
  readonly heard: Promise<unknown>;
  reset(): void;
}

export async function resettingPeer(kind: 'tcp' | 'websocket'): Promise<ResettingPeer> {
  const done = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(RESETTING, { eval: true, workerData: { done, kind } });
  const [port] = (await once(thread, 'message')) as [number];
  return {
    port,
    heard: once(thread, 'message'),
    reset() {
      thread.postMessage('reset');
      expect(Atomics.wait(done, 0, 0, 20_000)).not.toBe('timed-out');
    },
    [Symbol.asyncDispose]: async () => void (await thread.terminate()),
  };
}

const RESETTING = `
  const { parentPort, workerData: { done, kind } } = require('node:worker_threads');
  const serve = (socket, source, event) => {
    source.once(event, () => parentPort.postMessage('heard'));
    socket.once('close', () => { Atomics.store(done, 0, 1); Atomics.notify(done, 0); });
    parentPort.once('message', () => socket.resetAndDestroy());
  };
  const server = kind === 'tcp'
    ? require('node:net').createServer((socket) => serve(socket, socket, 'data'))
    : require('node:http').createServer();
  if (kind === 'websocket')
    new (require('ws').WebSocketServer)({ server })
      .on('connection', (client, { socket }) => serve(socket, client, 'message'));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;
