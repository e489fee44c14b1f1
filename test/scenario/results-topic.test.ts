import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { allAdapters } from '../../adapters/index.ts';
import { readProduction } from '../../src/definition/read.ts';
import { kafkaCluster, noKafka } from '../support/kafka-cluster.ts';
import { mllpPeer } from '../support/mllp-peer.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

const FOLDER = join(import.meta.dirname, '../../productions/results-topic');

const result = (n: number): string =>
  `MSH|^~\\&|LAB|H|WB|H|20260101120000||ORU^R01^ORU_R01|${n}|P|2.5.1\rPID|1||P${n % 5}\rORC|RE|A${n}\rOBR|1|A${n}\r`;

test.skipIf(noKafka !== undefined)(
  'the example of a topic of results runs on two engines: each once, those of a patient in order',
  async () => {
    await using ward = await mllpPeer();
    await using cluster = await kafkaCluster();
    for (const topic of ['lab.results', 'hub.results-passed-on']) {
      await cluster.createTopic(topic, 4);
    }
    const environment = {
      KAFKA: `127.0.0.1:${cluster.ports[0]}`,
      WARD: `127.0.0.1:${ward.port}`,
    };
    const adapters = await allAdapters();
    const { definition, problems } = await readProduction(FOLDER, { adapters, environment });
    if (definition === undefined) throw new Error(JSON.stringify(problems));
    await using nats = await startNats();
    await using engines = new AsyncDisposableStack();
    engines.use(await run(nats, definition));
    engines.use(await run(nats, definition));
    for (let patient = 0; patient < 5; patient++) {
      const own = Array.from({ length: 6 }, (_, n) => result(n * 5 + patient));
      await cluster.produce('lab.results', own, '-k', `P${patient}`);
    }
    await vi.waitFor(
      async () => {
        const got = ward.received.map((body) => /\rORC\|RE\|A(\d+)/.exec(body.toString())?.[1]);
        expect(got).toHaveLength(30);
        expect(new Set(got).size).toBe(30);
        for (const patient of [0, 1, 2, 3, 4]) {
          const own = got.map(Number).filter((n) => n % 5 === patient);
          expect(own).toEqual(own.toSorted((a, b) => a - b));
        }
        const told = await cluster.consume('hub.results-passed-on');
        expect(told).toHaveLength(30);
        expect(told[0]?.headers).toContain('x-order');
      },
      { timeout: 40_000 },
    );
  },
);
