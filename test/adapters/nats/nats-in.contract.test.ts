import { type ConsumerInfo, jetstream, jetstreamManager } from '@nats-io/jetstream';
import natsIn from '../../../adapters/nats/nats-in.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { natsPeer } from '../../support/nats-peer.ts';

/** Askers, who wait for their answer. */
async function asking(): Promise<InboundPeer> {
  const server = await natsPeer();
  const client = await server.client();
  return {
    given: { connect: `127.0.0.1:${server.port}`, subject: 'lab.*', answer: 'stored' },
    async offer(body) {
      let now: 'waiting' | 'taken' | 'again' = 'waiting';
      const ask = async (): Promise<void> => {
        const { headers } = await client.request('lab.in', body, { timeout: 60_000 });
        now = headers?.get('Nats-Service-Error-Code') === '503' ? 'again' : 'taken';
      };
      // the server goes while some wait
      ask().catch(() => undefined);
      await client.flush();
      return { standing: () => now };
    },
    breakDown: () => server.stop(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A stream; the state of its consumer says how a message stands. */
async function stored(): Promise<InboundPeer> {
  const server = await natsPeer();
  const client = await server.client();
  const manager = await jetstreamManager(client);
  await manager.streams.add({ name: 'LAB', subjects: ['lab.>'] });
  return {
    given: { connect: `127.0.0.1:${server.port}`, stream: 'LAB' },
    async offer(body) {
      const { seq } = await jetstream(client).publish('lab.in', body);
      return {
        async standing() {
          return standing(await manager.consumers.info('LAB', 'test-under-test'), seq);
        },
      };
    },
    breakDown: () => server.stop(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function standing(
  { ack_floor: floor, num_redelivered: again }: ConsumerInfo,
  seq: number,
): 'waiting' | 'taken' | 'again' {
  if (floor.stream_seq >= seq) return 'taken';
  return again > 0 ? 'again' : 'waiting';
}

describeInbound(natsIn, { peer: asking });
describeInbound(natsIn, {
  peer: stored,
  gaps: {
    recovers:
      'what was refused comes again by itself, and this clause offers another: nats-in.test.ts',
  },
});
