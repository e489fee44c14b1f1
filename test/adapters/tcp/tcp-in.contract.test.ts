import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import tcpIn from '../../../adapters/tcp/tcp-in.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { portOf } from '../../support/mllp-sender.ts';
import { type RawClient, rawClient } from '../../support/raw-client.ts';
import { STX_ETX } from './receiving.ts';

const ANSWERED = { ...STX_ETX, answer: 'stored' };

/** By the last byte heard since the message was sent. */
function standing(heard: string): 'waiting' | 'taken' | 'again' {
  if (heard === '') return 'waiting';
  return heard.endsWith('\x06') ? 'taken' : 'again';
}

/** Senders on loopback; broken down, the address to listen on is none of this machine's. */
async function listening(): Promise<InboundPeer> {
  const senders: RawClient[] = [];
  const given = { listen: '127.0.0.1:0', ...ANSWERED };
  return {
    given,
    async offer(body, opened) {
      const sender = await rawClient(portOf(opened));
      senders.push(sender);
      sender.write(Buffer.concat([Buffer.of(2), body, Buffer.of(3)]));
      return { standing: () => standing(sender.heard) };
    },
    async breakDown() {
      given.listen = '203.0.113.1:4000';
    },
    async [Symbol.asyncDispose]() {
      for (const sender of senders) await sender[Symbol.asyncDispose]();
    },
  };
}

/** A device that waits to be called; broken down, it is gone. */
async function calledOut(): Promise<InboundPeer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  return {
    given: { callOut: { connect: `127.0.0.1:${port}` }, ...ANSWERED },
    async offer(body) {
      if (sockets.size === 0) await once(server, 'connection');
      const [socket] = [...sockets].slice(-1);
      let heard = '';
      socket?.on('data', (chunk: Buffer) => {
        heard += chunk.toString('latin1');
      });
      socket?.write(Buffer.concat([Buffer.of(2), body, Buffer.of(3)]));
      return { standing: () => standing(heard) };
    },
    breakDown: stop,
    [Symbol.asyncDispose]: stop,
  };
}

describeInbound(tcpIn, { peer: listening });
const onlyFirst = 'the sender of this test sends over its first connection';
describeInbound(tcpIn, { peer: calledOut, gaps: { silent: onlyFirst, dripping: onlyFirst } });
