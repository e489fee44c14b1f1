import { randomUUID } from 'node:crypto';
import { describe, expect, vi } from 'vitest';
import mqttIn from '../../../adapters/mqtt/mqtt-in.ts';
import mqttOut from '../../../adapters/mqtt/mqtt-out.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { cuttingProxy } from '../../support/cutting-proxy.ts';
import { mosquitto, noMosquitto } from '../../support/mosquitto.ts';
import { packetsIn } from '../../support/mqtt-packets.ts';
import { tcpGate } from '../../support/tcp-gate.ts';

async function broker(): Promise<OutboundPeer> {
  const server = await mosquitto();
  const gate = await tcpGate(server.port);
  const listening = await server.listen('lab/#');
  const marks = new Set<string>();
  return {
    given: { connect: `127.0.0.1:${gate.port}`, topic: 'lab/in' },
    async received() {
      // what was acknowledged before this is handed out before it
      const mark = Buffer.from(randomUUID());
      marks.add(mark.toString());
      await server.publish('lab/mark', mark);
      await vi.waitFor(() => expect(listening.heard.at(-1)).toEqual(mark), { timeout: 5_000 });
      return listening.heard.filter((body) => !marks.has(body.toString('latin1')));
    },
    hold: () => gate.pause(),
    release: () => gate.resume(),
    breakDown: () => gate.shut(),
    repair: () => gate.open(),
    async [Symbol.asyncDispose]() {
      await gate[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** What the adapter acknowledges is seen on its way to the broker. */
async function publishers(): Promise<InboundPeer> {
  const server = await mosquitto();
  const proxy = await cuttingProxy(server.port);
  let offered = 0;
  return {
    given: { connect: `127.0.0.1:${proxy.port}`, topics: 'lab/#' },
    async offer(body) {
      offered += 1;
      const number = offered;
      await server.publish('lab/in', body);
      return {
        standing() {
          const packets = packetsIn(proxy.passed('toServer'));
          const acknowledged = packets.filter(({ cmd }) => cmd === 'puback');
          return acknowledged.length >= number ? 'taken' : 'waiting';
        },
      };
    },
    async breakDown() {
      await proxy[Symbol.asyncDispose]();
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe.skipIf(noMosquitto !== undefined)('against Mosquitto', () => {
  const never = 'a broker says this with codes that Mosquitto does not use: mqtt.test.ts';
  describeOutbound(mqttOut, { peer: broker, gaps: { temporary: never, final: never } });
  const late = 'a CONNECT that the broker gets late takes the session of the next connection';
  describeInbound(mqttIn, { peer: publishers, gaps: { silent: late } });
});
