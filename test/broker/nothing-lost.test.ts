import { setTimeout as sleep } from 'node:timers/promises';
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import { array, assert, asyncProperty, constantFrom, record } from 'fast-check';
import { expect, test, vi } from 'vitest';
import { PROJECTOR, WORKER } from '../../src/broker/names.ts';
import { queueStates, queueStreams } from '../../src/broker/queue-survey.ts';
import type { Definition, QueueOrder } from '../../src/definition/definition.ts';
import { definition, operationDefinition, serviceDefinition } from '../support/definition.ts';
import { examples, MORE } from '../support/examples.ts';
import { firstLetter } from '../support/expression-of.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { readAll } from '../support/projecting.ts';
import { type Running, run } from '../support/running.ts';

const valueOf = (body: { readonly inline: Uint8Array | undefined }): string =>
  Buffer.from(body.inline ?? []).toString();

/** So soon goes what is settled; the janitor of the engine comes by every 150 ms. */
const MARGIN = 50;

const ORDERS: readonly { readonly order: QueueOrder; readonly pool: number }[] = [
  { order: 'fifo', pool: 1 },
  { order: 'none', pool: 3 },
  { order: { byKey: firstLetter, partitions: 2 }, pool: 1 },
  { order: { byKey: firstLetter, partitions: 3 }, pool: 1 },
];

const STEPS = [
  'store',
  'tidy',
  'on',
  'off',
  'order',
  'take out',
  'delete worker',
  'delete projector',
  'foreign worker',
  'read or stop reading',
  'restart',
] as const;
type Step = (typeof STEPS)[number];

/** One production of which everything is done that may be done to it. */
class Subject {
  readonly #nats: Awaited<ReturnType<typeof startNats>>;
  readonly #name: string;
  readonly #from = testInbound();
  readonly #to = testOutbound();
  readonly accepted: string[] = [];
  #choice = 0;
  #out = true;
  #running: Running | undefined;
  #reading: AsyncDisposable | undefined;

  constructor(nats: Awaited<ReturnType<typeof startNats>>, name: string) {
    this.#nats = nats;
    this.#name = name;
  }

  get sent(): string[] {
    return this.#to.sent.map(({ body }) => valueOf(body));
  }

  get repeated(): string[] {
    return this.sent.filter((value, index) => this.sent.indexOf(value) < index);
  }

  get repeatedUnmarked(): string[] {
    return this.#to.sent
      .map(({ body, possibleDuplicate }) => ({ value: valueOf(body), possibleDuplicate }))
      .filter(({ value }, index) => this.sent.indexOf(value) < index)
      .flatMap(({ value, possibleDuplicate }) => (possibleDuplicate === true ? [] : [value]));
  }

  async start(): Promise<void> {
    this.#running = await run(this.#nats, this.#definition(), undefined, MARGIN);
    await this.#read();
  }

  async stop(): Promise<void> {
    await this.#reading?.[Symbol.asyncDispose]();
    this.#reading = undefined;
    await this.#running?.stop();
  }

  async step(step: Step, choice: number): Promise<void> {
    const { director } = this.running;
    if (step === 'store') await this.#store(1 + choice * 3);
    else if (step === 'tidy') await sleep(400);
    else if (step === 'on' && this.#out) await director.switchOn('out');
    else if (step === 'off' && this.#out) {
      await director.switchOff('out', { by: 'test', at: Date.now(), reason: 'test' });
    } else if (step === 'order') await this.#apply(choice, true);
    else if (step === 'take out') await this.#apply(this.#choice, !this.#out);
    else if (step === 'restart') {
      await this.stop();
      await this.start();
    } else if (step === 'read or stop reading') await this.#read();
    else await this.#harm(step, choice);
    await this.nothingIsMissing();
  }

  /** What was not sent is there, and the status says so. */
  async nothingIsMissing(): Promise<void> {
    const { broker } = this.running.engine;
    const open = this.accepted.length;
    const streams = (await queueStreams(broker)).filter(({ host }) => host === 'out');
    const { depth = 0 } = (await queueStates(broker)).get('out') ?? {};
    // sent meanwhile is no loss: it is counted last
    const sent = new Set(this.sent).size;
    const stored = streams.reduce((sum, { messages }) => sum + messages, 0);
    if (stored + sent < open) throw new Error(`${open - sent} wait, ${stored} are stored`);
    if (depth + sent < open) throw new Error(`${open - sent} wait, the status says ${depth}`);
  }

  async deliverAll(): Promise<void> {
    await this.#apply(this.#choice, true);
    await this.running.director.switchOn('out');
    await vi.waitUntil(() => new Set(this.sent).size === this.accepted.length, {
      timeout: 90_000,
      interval: 50,
    });
  }

  get running(): Running {
    if (this.#running === undefined) throw new Error('not started');
    return this.#running;
  }

  #definition(): Definition {
    const { order, pool } = ORDERS[this.#choice] ?? { order: 'fifo', pool: 1 };
    const made = definition({
      services: [serviceDefinition('in', this.#from, { to: [this.#out ? 'out' : 'other'] })],
      operations: [
        operationDefinition('other', testOutbound()),
        ...(this.#out ? [operationDefinition('out', this.#to, { order, pool })] : []),
      ],
    });
    return { ...made, name: this.#name };
  }

  async #apply(choice: number, out: boolean): Promise<void> {
    this.#choice = choice;
    this.#out = out;
    await this.running.director.apply(this.#definition(), ['out', 'in']);
  }

  async #store(count: number): Promise<void> {
    if (!this.#out) return;
    for (let n = 0; n < count; n++) {
      const value = `${'abcd'[n % 4]}${this.accepted.length}`;
      await vi.waitFor(() => this.#from.deliver({ body: Buffer.from(value), type: 'text/plain' }));
      this.accepted.push(value);
    }
  }

  async #read(): Promise<void> {
    if (this.#reading === undefined) {
      this.#reading = readAll(this.running.engine.broker);
      return;
    }
    await this.#reading[Symbol.asyncDispose]();
    this.#reading = undefined;
  }

  async #harm(step: Step, choice: number): Promise<void> {
    const { broker } = this.running.engine;
    const streams = (await queueStreams(broker)).filter(({ host }) => host === 'out');
    const stream = streams[choice % Math.max(streams.length, 1)]?.stream;
    if (stream === undefined) return;
    const name = step === 'delete projector' ? PROJECTOR : WORKER;
    // it may be gone already
    await broker.manager.consumers.delete(stream, name).catch(() => undefined);
    if (step !== 'foreign worker') return;
    await broker.manager.consumers
      .add(stream, {
        durable_name: WORKER,
        deliver_policy: DeliverPolicy.New,
        ack_policy: AckPolicy.Explicit,
      })
      // an engine was faster
      .catch(() => undefined);
  }
}

test(
  'whatever is done to a queue, nothing unsettled is removed, and everything is delivered once',
  async () => {
    await using nats = await startNats();
    let count = 0;
    const steps = array(
      record({ step: constantFrom(...STEPS), choice: constantFrom(0, 1, 2, 3) }),
      {
        minLength: 4,
        maxLength: 14,
      },
    );
    await assert(
      asyncProperty(steps, async (script) => {
        const subject = new Subject(nats, `p${count++}`);
        await subject.start();
        try {
          await subject.step('store', 1);
          for (const { step, choice } of script) await subject.step(step, choice);
          await subject.deliverAll();
          await sleep(300);
          expect([...new Set(subject.sent)].toSorted()).toEqual(subject.accepted.toSorted());
          // what was settled at a consumer that somebody took away, and of which nothing was noted yet, may come again: marked
          const isHarmed = script.some(({ step }) => /worker/.test(step));
          expect(isHarmed ? subject.repeatedUnmarked : subject.repeated).toEqual([]);
          // in order, unless nobody asked for it or somebody took a consumer away
          const orderly = script.every(
            ({ step, choice }) => !/worker/.test(step) && !(step === 'order' && choice === 1),
          );
          for (const key of orderly ? 'abcd' : '') {
            const of = (values: readonly string[]) =>
              values.filter((value) => value.startsWith(key));
            expect(of(subject.sent)).toEqual(of(subject.accepted));
          }
        } finally {
          await subject.stop();
        }
      }),
      { numRuns: examples(8), endOnFailure: true },
    );
  },
  400_000 * MORE,
);
