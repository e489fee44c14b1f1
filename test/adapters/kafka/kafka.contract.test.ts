import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import kafkaIn from '../../../adapters/kafka/kafka-in.ts';
import kafkaOut from '../../../adapters/kafka/kafka-out.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import {
  type KafkaCluster,
  kafkaCluster,
  noKafka,
  positionOf,
} from '../../support/kafka-cluster.ts';
import { type TcpGate, tcpGate } from '../../support/tcp-gate.ts';

const PRODUCE = 0;
const TOO_FEW_COPIES = 19;
const TOO_LARGE = 10;

describe.skipIf(noKafka !== undefined)('Kafka', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await kafkaCluster();
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  /** A topic of its own, and a gate in front of its broker. */
  async function gatedTopic(): Promise<{
    readonly gate: TcpGate;
    readonly topic: string;
    readonly given: Readonly<Record<string, unknown>>;
  }> {
    const topic = randomUUID();
    await cluster.createTopic(topic);
    const gate = await tcpGate(cluster.ports[0] ?? 0);
    const at = `127.0.0.1:${gate.port}`;
    return {
      gate,
      topic,
      given: { connect: at, addresses: `127.0.0.1:${cluster.ports[0]}=${at}` },
    };
  }

  describeInbound(kafkaIn, {
    async peer(): Promise<InboundPeer> {
      const { gate, topic, given } = await gatedTopic();
      const group = randomUUID();
      let count = 0;
      return {
        // of a member that fell silent the others are told after its session
        given: { ...given, topics: topic, group, session: '1s' },
        async offer(body) {
          const offset = BigInt(count++);
          await cluster.produce(topic, [body]);
          return {
            async standing() {
              const position = await positionOf(cluster.ports[0] ?? 0, group, { topic });
              return position > offset ? 'taken' : 'waiting';
            },
          };
        },
        breakDown: () => gate.shut(),
        [Symbol.asyncDispose]: () => gate[Symbol.asyncDispose](),
      };
    },
    gaps: {
      again: 'what cannot be stored is held and tried here, not handed back: kafka-in.test.ts',
    },
  });

  describeOutbound(kafkaOut, {
    async peer(): Promise<OutboundPeer> {
      const { gate, topic, given } = await gatedTopic();
      return {
        given: { ...given, topic, timeout: '3s' },
        received: () => cluster.bodies(topic),
        hold: () => gate.pause(),
        release: () => gate.resume(),
        async refuse(how) {
          const code = how === 'final' ? TOO_LARGE : TOO_FEW_COPIES;
          await cluster.ask('push_request_errors', PRODUCE, 1, code);
        },
        breakDown: () => gate.shut(),
        repair: () => gate.open(),
        [Symbol.asyncDispose]: () => gate[Symbol.asyncDispose](),
      };
    },
    refusals: { temporary: { code: 'REPLICAS' }, final: { code: 'TOOLARGE' } },
  });
});
