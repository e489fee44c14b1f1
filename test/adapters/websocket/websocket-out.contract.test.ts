import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import websocketOut from '../../../adapters/websocket/websocket-out.ts';
import { SECRET_MARKER } from '../../contract/marker.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { tcpGate } from '../../support/tcp-gate.ts';
import { noWebsockets, type WebsocketPeer, websocketPeer } from '../../support/websocket-peer.ts';

let python: WebsocketPeer;

/** A path of its own of one server, whose answers are judged by their first word. */
async function peer(): Promise<OutboundPeer> {
  const gate = await tcpGate(python.port);
  const path = `/${randomUUID()}`;
  await python.set(path, { answer: 'OK' });
  return {
    given: {
      url: `ws://127.0.0.1:${gate.port}${path}`,
      credential: 'token',
      reply: 'next',
      accepted: '^OK',
      busy: '^BUSY',
      refused: '^ERR',
    },
    options: { credentials: { token: { kind: 'bearer', token: async () => SECRET_MARKER } } },
    received: async () => (await python.at(path)).received.map(({ body }) => body),
    hold: () => gate.pause(),
    release: () => gate.resume(),
    refuse: (how) => python.set(path, { answer: how === 'temporary' ? 'BUSY' : 'ERR' }),
    breakDown: () => gate.shut(),
    repair: () => gate.open(),
    [Symbol.asyncDispose]: () => gate[Symbol.asyncDispose](),
  };
}

describe.skipIf(noWebsockets !== undefined)('against websockets of Python', () => {
  beforeAll(async () => {
    python = await websocketPeer();
  });
  afterAll(() => python[Symbol.asyncDispose]());
  describeOutbound(websocketOut, {
    peer,
    refusals: { temporary: { code: 'busy' }, final: { code: 'refused' } },
  });
});
