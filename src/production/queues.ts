import { outcomeTail } from '../broker/outcome-tail.ts';
import { acknowledgeAgain } from '../broker/queue.ts';
import {
  ensureProjector,
  ensureStream,
  ensureWorker,
  lastSequence,
  reclaimWorker,
} from '../broker/streams.ts';
import { type Doubts, doubts } from '../flow/doubts.ts';
import { type SettledMemory, settledMemory } from '../flow/settled-memory.ts';
import type { Definition, OperationDefinition, ProcessDefinition } from './definition.ts';
import type { Engine } from './engine.ts';
import { isLine, queueLines } from './wiring.ts';

/** One stream of a queue. */
interface Line {
  readonly stream: string;
  readonly subject: string;
  readonly pool: number;
  /** A strict line, whose consumer is made by the engine that takes it over. */
  readonly line: boolean;
}

/** What is settled this close before the journal's end may come again after a crash. */
const TAIL = 60_000;

/** The queues of a production on this engine, and what it knows of what they have sent. */
export class Queues {
  readonly #engine: Engine;
  readonly #settled = new Map<string, SettledMemory>();
  readonly doubts: Doubts = doubts();
  #reading: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Every queue stream of the production, or of one host. */
  streams(definition: Definition, host?: string): string[] {
    return queued(definition)
      .filter(({ name }) => host === undefined || name === host)
      .flatMap((of) => this.#lines(of).map(({ stream }) => stream));
  }

  /** Makes what is missing. `first`: no host of this engine works on a queue yet. */
  async make(definition: Definition, { first }: { readonly first: boolean }): Promise<void> {
    const { broker, sole } = this.#engine;
    const { queueLimit, duplicateWindow } = definition.settings;
    const lines = queued(definition).flatMap((of) => this.#lines(of));
    await Promise.all(
      lines.map(async ({ stream, subject, pool, line }) => {
        await ensureStream(broker, stream, [subject], { duplicateWindow, limit: queueLimit });
        await ensureProjector(broker, stream);
        if (line) return;
        if (first && sole) await this.#reclaim(stream, pool);
        await ensureWorker(broker, stream, pool);
      }),
    );
  }

  /** What a killed engine had taken is handed out at once; of what it had sent nothing may be known. */
  async #reclaim(stream: string, pool: number): Promise<void> {
    const { broker, afterCrash } = this.#engine;
    await reclaimWorker(broker, stream, pool);
    if (!afterCrash) return;
    // as many may have been on the wire as were being stored
    this.doubts.raise(stream, { until: await lastSequence(broker, stream), most: 2 * pool });
  }

  /** What a host's queue has settled lately. */
  settled(host: string): SettledMemory {
    let memory = this.#settled.get(host);
    if (memory === undefined) {
      memory = settledMemory();
      this.#settled.set(host, memory);
    }
    return memory;
  }

  /** After a reconnect the acknowledgements of what was settled lately are repeated. */
  acknowledgeAgain(): void {
    for (const memory of this.#settled.values()) {
      for (const at of memory.acknowledgements()) acknowledgeAgain(this.#engine.broker, at);
    }
  }

  /** Reads what all engines settled lately. One reading serves all who ask before it begins. */
  recall(): Promise<void> {
    this.#next ??= this.#reading
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        this.#reading = this.#readTail();
        return this.#reading;
      });
    return this.#next;
  }

  async #readTail(): Promise<void> {
    for await (const { record } of outcomeTail(this.#engine.broker, TAIL)) {
      if (record.kind === 'outcome') this.settled(record.host).add(record.id);
    }
  }

  #lines(of: ProcessDefinition | OperationDefinition): Line[] {
    const { names } = this.#engine.broker;
    return queueLines(of.order, of.pool).map(({ partition, pool }) => ({
      ...names.queue(of.name, partition),
      pool,
      line: of.kind === 'operation' && isLine(of),
    }));
  }
}

function queued({
  operations,
  processes,
}: Definition): (ProcessDefinition | OperationDefinition)[] {
  return [...operations.values(), ...[...processes.values()].filter(({ run }) => run === 'queued')];
}
