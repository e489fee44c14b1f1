import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { background } from '../../src/error/background.ts';
import { type Spent, stopwatch, timed } from './subject.ts';

/** What the peer is asked for: so many messages to that port. */
export interface Order {
  readonly port: number;
  readonly messages: number;
}

/** A benchmark's own module in another process, with `--peer`, and the port on which it answers. */
export async function startPeer(module: string): Promise<{ peer: ChildProcess; port: number }> {
  const peer = fork(fileURLToPath(module), ['--peer']);
  const [port] = (await once(peer, 'message')) as [number];
  return { peer, port };
}

/** In that process: answers at the server, and sends as many messages as it is asked for. */
export async function serve(
  server: Promise<Server>,
  send: (order: Order) => Promise<void>,
): Promise<void> {
  process.send?.(portOf(await server));
  const sent = async (order: Order): Promise<void> => {
    await send(order);
    process.send?.('done');
  };
  process.on('message', (order: Order) => background(sent(order), 'sending messages'));
}

/** Lets the peer send so many messages here. */
export async function asked(peer: ChildProcess, port: number, messages: number): Promise<Spent> {
  const spent = stopwatch();
  peer.send({ port, messages });
  await once(peer, 'message');
  return spent();
}

/** Work on whichever of them is free. */
export async function each<One>(
  all: readonly One[],
  messages: number,
  work: (one: One) => Promise<unknown>,
): Promise<Spent> {
  const free = [...all];
  return await timed(messages, async () => {
    const one = free.pop();
    if (one === undefined) throw new Error('more at once than there are connections');
    await work(one);
    free.push(one);
  });
}

export const portOf = (server: Server): number => (server.address() as { port: number }).port;
