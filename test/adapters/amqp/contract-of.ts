import { randomUUID } from 'node:crypto';
import type { ConfirmChannel, Options } from 'amqplib';
import amqpIn from '../../../adapters/amqp/amqp-in.ts';
import amqpOut from '../../../adapters/amqp/amqp-out.ts';
import amqp1In from '../../../adapters/amqp/v1/amqp1-in.ts';
import amqp1Out from '../../../adapters/amqp/v1/amqp1-out.ts';
import type { InboundAdapter, OutboundAdapter } from '../../../src/adapter/index.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import type { Rabbit } from '../../support/rabbit.ts';
import { type TcpGate, tcpGate } from '../../support/tcp-gate.ts';

const options = { credentials: { hub: { kind: 'basic', user: 'hub', password: 'pw' } } } as const;

/** A queue of its own behind a gate. */
interface GatedQueue {
  readonly gate: TcpGate;
  readonly queue: string;
  readonly channel: ConfirmChannel;
  /** The settings that lead through the gate. */
  readonly connect: Readonly<Record<string, unknown>>;
  readonly end: () => Promise<void>;
}

export async function queueOf(broker: Rabbit, more: Options.AssertQueue = {}): Promise<GatedQueue> {
  const gate = await tcpGate(broker.port);
  const queue = randomUUID();
  const client = await broker.client();
  const channel = await client.createConfirmChannel();
  await channel.assertQueue(queue, more);
  return {
    gate,
    queue,
    channel,
    connect: { connect: `127.0.0.1:${gate.port}`, credential: 'hub' },
    end: async (): Promise<void> => {
      // it may be closed already
      await client.close().catch(() => undefined);
      await gate[Symbol.asyncDispose]();
    },
  };
}

/** The adapters of one version, and the settings of each for a queue. */
interface Version {
  readonly inbound: InboundAdapter;
  readonly outbound: OutboundAdapter;
  readonly taking: (queue: string) => Readonly<Record<string, unknown>>;
  readonly sending: (queue: string) => Readonly<Record<string, unknown>>;
  /** The codes of a full queue, and of one that is gone. */
  readonly full: string;
  readonly gone: string;
}

const VERSIONS: readonly Version[] = [
  {
    inbound: amqpIn,
    outbound: amqpOut,
    taking: (queue) => ({ queue, prefetch: 1 }),
    sending: (routingKey) => ({ routingKey }),
    full: 'NACKED',
    gone: 'UNROUTED',
  },
  {
    inbound: amqp1In,
    outbound: amqp1Out,
    taking: (queue) => ({ address: `/queues/${queue}`, prefetch: 1 }),
    sending: (queue) => ({ address: `/queues/${queue}` }),
    full: 'REJECTED',
    gone: 'RELEASED',
  },
];

/** Declares the contract of all adapters, against a running broker. */
export function describeContracts(broker: () => Rabbit): void {
  for (const version of VERSIONS) describeVersion(version, broker);
}

function describeVersion(version: Version, broker: () => Rabbit): void {
  describeOutbound(version.outbound, {
    async peer(): Promise<OutboundPeer> {
      const at = await queueOf(broker(), {
        maxLength: 50,
        arguments: { 'x-overflow': 'reject-publish' },
      });
      const received: Buffer[] = [];
      return {
        given: { ...at.connect, ...version.sending(at.queue) },
        options,
        async received() {
          for (;;) {
            const message = await at.channel.get(at.queue, { noAck: true });
            if (message === false) return received;
            received.push(message.content);
          }
        },
        hold: () => at.gate.pause(),
        release: () => at.gate.resume(),
        async refuse(how) {
          if (how === 'final') {
            await at.channel.deleteQueue(at.queue);
            return;
          }
          for (let n = 0; n < 60; n++) at.channel.sendToQueue(at.queue, Buffer.from('x'));
          await at.channel.waitForConfirms().catch(() => undefined);
        },
        breakDown: () => at.gate.shut(),
        repair: () => at.gate.open(),
        [Symbol.asyncDispose]: at.end,
      };
    },
    refusals: { temporary: { code: version.full }, final: { code: version.gone } },
  });

  const held = 'what cannot be stored is held and tried here, not handed back: amqp.test.ts';
  describeInbound(version.inbound, {
    async peer(): Promise<InboundPeer> {
      const at = await queueOf(broker(), { durable: true });
      return {
        given: { ...at.connect, ...version.taking(at.queue) },
        options,
        async offer(body, opened) {
          const before = opened.delivered.length;
          at.channel.sendToQueue(at.queue, body);
          await at.channel.waitForConfirms();
          return {
            async standing() {
              // one that is handed out is not counted here, but is there again when its consumer goes
              if (opened.delivered.length === before) return 'waiting';
              const { messageCount } = await at.channel.checkQueue(at.queue);
              return messageCount === 0 ? 'taken' : 'waiting';
            },
          };
        },
        breakDown: () => at.gate.shut(),
        [Symbol.asyncDispose]: at.end,
      };
    },
    gaps: { again: held, recovers: held },
  });
}
