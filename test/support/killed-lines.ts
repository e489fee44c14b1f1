import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { readNatsState } from '../../src/broker/embedded/nats-server.ts';
import { remoteTrace } from '../../src/control/remote-trace.ts';
import { type EngineProcess, startEngineProcess } from './engine-process.ts';
import { examples } from './examples.ts';
import { temporaryFolder } from './temporary-folder.ts';

const KILLS = examples(2);
/** What each sender gets accepted between two kills, at least. */
const BETWEEN = 4;

/** A sender, and a receiver, with an engine between them. */
export interface KilledLine {
  readonly name: string;
  /** The port of its service; undefined where it takes messages from a broker. */
  readonly listen: number | undefined;
  /** How many messages the sender may be ahead of the receiver; undefined where the engine accepts them one by one. */
  readonly ahead?: number;
  /** The adapters, where they are not those of the name. */
  readonly adapters?: { readonly in: string; readonly out: string };
  /** The settings of its service and its operation. */
  readonly service: string;
  readonly operation: string;
  /** Sends one message; false if it was not accepted. Throws if the connection is lost. */
  readonly send: (n: number) => Promise<boolean>;
  /** The numbers that arrived, in order. */
  arrived(): Promise<readonly number[]>;
}

function productionYaml(lines: readonly KilledLine[], credentials: string): string {
  const services = lines.map(
    ({ name, service, adapters }) =>
      `  ${name}: { adapter: ${adapters?.in ?? `${name}-in`}, settings: ${service}, to: ${name}-to }`,
  );
  const operations = lines.map(
    ({ name, operation, adapters }) =>
      `  ${name}-to: { adapter: ${adapters?.out ?? `${name}-out`}, settings: ${operation}, retry: { every: 100ms, for: forever } }`,
  );
  const all = ['services:', ...services, 'operations:', ...operations];
  return ['production: killed', credentials, ...all, ''].join('\n');
}

/** An engine between senders and receivers, and what each sender got accepted while it was killed. */
class KilledEngine implements AsyncDisposable {
  readonly #lines: readonly KilledLine[];
  readonly #folder: Awaited<ReturnType<typeof temporaryFolder>>;
  readonly #accepted = new Map<string, number>();
  #engine: EngineProcess | undefined;

  constructor(lines: readonly KilledLine[], folder: Awaited<ReturnType<typeof temporaryFolder>>) {
    this.#lines = lines;
    this.#folder = folder;
  }

  get data(): string {
    return join(this.#folder.path, 'data');
  }

  accepted({ name }: KilledLine): number {
    return this.#accepted.get(name) ?? 0;
  }

  /** Kills it again and again while all senders send. */
  async run(credentials: string): Promise<void> {
    const production = join(this.#folder.path, 'production.yaml');
    await writeFile(production, productionYaml(this.#lines, credentials));
    this.#engine = await this.#start();
    let isOver = false;
    const sending = Promise.all(this.#lines.map((line) => this.#keepSending(line, () => isOver)));
    for (let kill = 0; kill < KILLS; kill++) {
      const before = this.#lines.map((line) => this.accepted(line));
      const isBehind = (line: KilledLine, at: number): boolean =>
        this.accepted(line) < (before[at] ?? 0) + BETWEEN;
      const behind = (): string[] => this.#lines.filter(isBehind).map(({ name }) => name);
      await vi
        .waitUntil(() => behind().length === 0, { timeout: 60_000, interval: 5 })
        .catch((error: unknown) => {
          throw new Error(`nothing more is accepted by ${behind().join(', ')}`, { cause: error });
        });
      await this.#engine.kill();
      this.#engine = await this.#start(kill === KILLS - 1);
    }
    isOver = true;
    await sending;
  }

  /** The trace is looked at in the end, and reads all of the streams then: see crash.test.ts for one that is killed too. */
  #start(plane = false): Promise<EngineProcess> {
    return startEngineProcess({
      plane,
      production: this.#folder.path,
      data: this.data,
      ports: this.#lines.flatMap(({ listen }) => listen ?? []),
      arguments: ['--log-level', 'error'],
    });
  }

  /** Sends one message after the other, each until it is accepted. */
  async #keepSending(line: KilledLine, isOver: () => boolean): Promise<void> {
    for (let n = 0; !isOver(); ) {
      const taken = await line.send(n).catch(() => false);
      if (!taken) {
        // to be refused again and again would take the time that the engine needs for its start
        await sleep(20);
        continue;
      }
      n += 1;
      this.#accepted.set(line.name, n);
      const { ahead } = line;
      if (ahead === undefined) continue;
      const isNear = async (): Promise<boolean> => new Set(await line.arrived()).size > n - ahead;
      // to ask some brokers takes a process, or a listing
      await vi.waitUntil(async () => isOver() || (await isNear()), {
        timeout: 60_000,
        interval: 50,
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine?.[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** @param peers of the lines; ended with the engine @param credentials the part of the production of that name */
export function describeKilled(
  lines: readonly KilledLine[],
  peers: AsyncDisposableStack,
  credentials = '',
): void {
  describe('an engine that is killed in the middle of a load', () => {
    let engine: KilledEngine;

    beforeAll(async () => {
      engine = peers.use(new KilledEngine(lines, await temporaryFolder('killed')));
      await engine.run(credentials);
    }, 300_000);

    afterAll(async () => {
      await peers.disposeAsync();
    });

    test.for(lines)('loses nothing of $name, and changes no order', async (line) => {
      const count = engine.accepted(line);
      expect(count).toBeGreaterThanOrEqual(KILLS * BETWEEN);
      const arrived = await vi.waitFor(
        async () => {
          const numbers = await line.arrived();
          expect(new Set(numbers).size).toBeGreaterThanOrEqual(count);
          return numbers;
        },
        { timeout: 60_000, interval: 50 },
      );
      const first = [...new Set(arrived)];
      expect(first.slice(0, count)).toEqual(Array.from({ length: count }, (_, n) => n));
      // a kill can lose the answer to the sender, and that of the receiver
      expect(arrived.length - first.length).toBeLessThanOrEqual(2 * KILLS);
    });

    test.for(lines)('tells in the trace what of $name may have arrived twice', async (line) => {
      const access = await readNatsState(engine.data);
      if (access === undefined) throw new Error('nats-server is not running');
      await using broker = await connectBroker({ ...access, production: 'killed', role: 'test' });
      const trace = remoteTrace(broker, 'test');
      const target = `${line.name}-to`;
      await vi.waitFor(
        async () => {
          const { items } = await trace.find({ target, limit: 500 });
          const arrived = await line.arrived();
          // of one that comes again because its sender was not told, no more is sent
          const stored = items.filter(({ status }) => status !== 'discarded');
          const open = stored.filter(({ status }) => status !== 'completed');
          expect(open.map(({ status, error }) => [status, error])).toEqual([]);
          const doubtful = stored.filter(({ possibleDuplicate }) => possibleDuplicate === true);
          // the one that is being sent, and two whose outcomes are being stored
          expect(doubtful.length).toBeLessThanOrEqual(3 * KILLS);
          // these two, if they were acknowledged: the three that follow are doubted all the same
          const presumed = stored.filter((one) => one.presumed === true);
          expect(presumed.length).toBeLessThanOrEqual(2 * KILLS);
          // each message once, and once more only if that is told
          expect(arrived.length).toBeGreaterThanOrEqual(stored.length);
          expect(arrived.length).toBeLessThanOrEqual(stored.length + doubtful.length);
        },
        { timeout: 60_000, interval: 100 },
      );
    });
  });
}
