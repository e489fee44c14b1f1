import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import natsOut from '../../../adapters/nats/nats-out.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { natsPeer } from '../../support/nats-peer.ts';

/** A service behind a NATS server, which answers each request once it may. */
async function answering(): Promise<OutboundPeer> {
  const server = await natsPeer({ lines: ['max_payload: 8MB'] });
  const received: Buffer[] = [];
  let gate: Promise<void> = Promise.resolve();
  let open: (() => void) | undefined;
  let refusal = '';
  const listen = async (): Promise<void> => {
    const client = await server.client();
    client.subscribe('lab.in', {
      callback: (_error, message) => {
        received.push(Buffer.from(message.data));
        void gate.then(() => message.respond(undefined, { headers: coded(refusal) }));
      },
    });
    await client.flush();
  };
  await listen();
  return {
    given: { connect: `127.0.0.1:${server.port}`, subject: 'lab.in', how: 'request' },
    received: () => received,
    hold() {
      const held = Promise.withResolvers<void>();
      gate = held.promise;
      open = held.resolve;
    },
    release: () => open?.(),
    refuse(how) {
      refusal = how === 'temporary' ? '503' : '400';
    },
    breakDown: () => server.stop(),
    async repair() {
      await server.start();
      await listen();
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function coded(code: string) {
  const header = headers();
  if (code !== '') header.set('Nats-Service-Error-Code', code);
  return header;
}

/** A stream, with a disk that may be full. */
async function storing(): Promise<OutboundPeer> {
  const server = await natsPeer({ lines: ['max_payload: 8MB'] });
  const manager = async () => await jetstreamManager(await server.client());
  await (await manager()).streams.add({ name: 'LAB', subjects: ['lab.>'] });
  return {
    given: { connect: `127.0.0.1:${server.port}`, subject: 'lab.in' },
    async received() {
      const client = await server.client();
      const { state } = await (await jetstreamManager(client)).streams.info('LAB');
      const stream = await jetstream(client).streams.get('LAB');
      const bodies: Buffer[] = [];
      for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq++) {
        const message = await stream.getMessage({ seq });
        if (message !== null) bodies.push(Buffer.from(message.data));
      }
      return bodies;
    },
    async refuse(how) {
      const streams = (await manager()).streams;
      if (how === 'final') await streams.update('LAB', { max_msg_size: 10 });
      else await streams.update('LAB', { max_bytes: 100, discard: 'new' });
    },
    breakDown: () => server.stop(),
    repair: () => server.start(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

describeOutbound(natsOut, {
  peer: answering,
  refusals: { temporary: { code: '503' }, final: { code: '400' } },
});
describeOutbound(natsOut, {
  peer: storing,
  refusals: { temporary: { code: 'FULL' }, final: { code: '400' } },
});
