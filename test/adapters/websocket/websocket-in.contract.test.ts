import { once } from 'node:events';
import websocketIn from '../../../adapters/websocket/websocket-in.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { SECRET_MARKER } from '../../contract/marker.ts';

/** A client with a token in its query, as browsers have it, by Node's own WebSocket. */
async function peer(): Promise<InboundPeer> {
  const port = await freePort();
  const sockets: WebSocket[] = [];
  const given = {
    listen: `127.0.0.1:${port}`,
    path: '/adt',
    callers: { kind: 'api-key', credentials: ['key'], from: 'query:key' },
  };
  return {
    given,
    options: { credentials: { key: { kind: 'bearer', token: async () => SECRET_MARKER } } },
    async offer(body) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/adt?key=${SECRET_MARKER}`);
      sockets.push(socket);
      let standing: 'waiting' | 'taken' | 'again' = 'waiting';
      socket.addEventListener('message', ({ data }) => {
        standing = /MSA\|AA\|/.test(String(data)) ? 'taken' : 'again';
      });
      await once(socket, 'open');
      socket.send(body.toString());
      return { standing: () => standing };
    },
    async breakDown() {
      given.listen = '203.0.113.1:8080';
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.close();
    },
  };
}

describeInbound(websocketIn, { peer });
