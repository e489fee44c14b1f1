import { createServer, type Socket } from 'node:net';
import { generate, type Packet, parser } from 'mqtt-packet';
import { expect, test, vi } from 'vitest';
import mqttOut from '../../../adapters/mqtt/mqtt-out.ts';
import { mosquitto, noMosquitto } from '../../support/mosquitto.ts';
import { openOutbound } from '../../support/open-adapter.ts';
import { listening } from '../../support/tcp-server.ts';

const BODY = Buffer.from('x');
const FULL = 0x97;

/** A broker that has no room for the first so many messages; of QoS 2 it says so at the first of their two answers. */
function fullBroker(refusals: number): {
  readonly seen: Packet[];
  readonly serve: (socket: Socket) => void;
} {
  const seen: Packet[] = [];
  let left = refusals;
  const answer = (packet: Packet): Packet | undefined => {
    const { messageId = 0 } = packet;
    if (packet.cmd === 'connect') return { cmd: 'connack', reasonCode: 0, sessionPresent: false };
    if (packet.cmd === 'pubrel') return { cmd: 'pubcomp', messageId, reasonCode: 0 };
    if (packet.cmd !== 'publish') return undefined;
    left -= 1;
    const reasonCode = left >= 0 ? FULL : 0;
    return { cmd: packet.qos === 1 ? 'puback' : 'pubrec', messageId, reasonCode };
  };
  return {
    seen,
    serve(socket) {
      const reading = parser({ protocolVersion: 5 });
      reading.on('packet', (packet) => {
        seen.push(packet);
        const said = answer(packet);
        if (said !== undefined) socket.write(generate(said, { protocolVersion: 5 }));
      });
      socket.on('error', () => undefined).on('data', (bytes) => reading.parse(bytes));
    },
  };
}

test.for(['1', '2'])(
  'a broker without room, QoS %s: FULL, and the next try is a new message',
  async (qos) => {
    const broker = fullBroker(2);
    await using server = await listening(createServer(broker.serve));
    const given = { connect: `127.0.0.1:${server.port}`, topic: 'x', qos };
    await using opened = await openOutbound(mqttOut, given);
    expect(await opened.send(BODY)).toMatchObject({ code: 'FULL' });
    expect(await opened.send(BODY)).toMatchObject({ code: 'FULL' });
    expect(await opened.send(BODY)).toMatchObject({ code: 'OK' });
    const published = broker.seen.filter((packet) => packet.cmd === 'publish');
    expect(published.map(({ dup }) => dup)).toEqual([false, false, false]);
    const releases = broker.seen.filter(({ cmd }) => cmd === 'pubrel');
    expect(releases).toHaveLength(qos === '2' ? 1 : 0);
  },
);

test.skipIf(noMosquitto !== undefined).for(['1', '2'])(
  'no more messages are under way than the broker allows, QoS %s',
  async (qos) => {
    await using peer = await mosquitto({ lines: ['max_inflight_messages 3'] });
    const heard = await peer.listen('lab');
    const given = { connect: `127.0.0.1:${peer.port}`, topic: 'lab', qos };
    await using opened = await openOutbound(mqttOut, given);
    const sending = Array.from({ length: 50 }, (_, id) =>
      opened.send(Buffer.from(`${id}`), { id }),
    );
    const replies = await Promise.all(sending);
    expect(new Set(replies.map((reply) => reply?.code))).toEqual(new Set(['OK']));
    await vi.waitFor(() => expect(new Set(heard.heard.map(String)).size).toBe(50));
    expect(opened.states.map(({ state }) => state)).toEqual(['connected']);
  },
);
