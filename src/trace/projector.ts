import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { StreamRead } from '../broker/stream-reader.ts';
import { describeError } from '../error/engine-error.ts';
import type { Logger } from '../log/logger.ts';
import { type RetryPolicy, retryDelay } from '../time/back-off.ts';
import { pause } from '../time/pause.ts';
import type { MessageState } from './message-state.ts';
import type { TraceInput } from './trace-input.ts';
import type { LostMessages, StreamFloor, TraceStore } from './trace-store.ts';

/** The source of what the projector writes. */
export interface ProjectorSource {
  /** The next batch as soon as there is one; undefined once the source is closed. */
  next(): Promise<ProjectorBatch | undefined>;
  /** How many messages of the streams wait to be read or acknowledged. */
  lag(): Promise<number>;
  /**
   * How far the workers had acknowledged each queue, at a time before something that has since been
   * read and acknowledged, so that all outcomes up to there have been applied. Undefined if there
   * is nothing new.
   */
  floors(): Promise<readonly StreamFloor[] | undefined>;
  close(): Promise<void>;
}

export interface ProjectorBatch {
  readonly inputs: readonly TraceInput[];
  /** How far the streams have been read with it, if it is acknowledged now. */
  read(): readonly StreamRead[];
  /** Called once the store has all of it; what was not acknowledged is delivered again after a restart. */
  acknowledge(): void;
}

/** What the store has applied. */
export interface Applied {
  readonly inputs: readonly TraceInput[];
  /** The current states of the messages of the inputs. */
  readonly messages: readonly MessageState[];
}

export interface ProjectorOptions {
  readonly source: ProjectorSource;
  readonly store: TraceStore;
  readonly log: Logger;
  /** What has to be done before the first batch; it is tried again like one. */
  readonly before?: (() => Promise<unknown>) | undefined;
  /** Receives what the store has applied, in order. */
  readonly onApplied?: ((applied: Applied) => void) | undefined;
  /** How a failing store is retried. */
  readonly retry?: Omit<RetryPolicy, 'disconnected'> | undefined;
  /** Milliseconds between two checks for lost outcomes. Default 30 s. */
  readonly reconcileEvery?: number | undefined;
}

/** A store that cannot be written. */
export interface Failing {
  readonly since: number;
  readonly why: string;
}

export interface Projector {
  /** Messages of the streams that the trace does not show yet. */
  lag(): Promise<number>;
  /** Since when the store has been failing, and why it does now; undefined while it works. */
  failing(): Failing | undefined;
  /** Finishes the current batch, unless the store fails, and closes the source. */
  stop(): Promise<void>;
}

const RETRY: Omit<RetryPolicy, 'disconnected'> = {
  every: 200,
  for: Number.POSITIVE_INFINITY,
  backoff: 2,
  max: 30_000,
};
/**
 * Inputs of one transaction, after which others in the thread get their turn: with a store in this
 * thread and batches that wait already, nothing else would let them in.
 */
const AT_ONCE = 500;

/** What an engine found to be lost from the streams. */
function lossesIn(inputs: readonly TraceInput[]): LostMessages[] {
  return inputs.flatMap((input) => {
    if (input.kind !== 'entry' || input.entry.record.kind !== 'host') return [];
    const { lost, at } = input.entry.record;
    return lost === undefined ? [] : [{ ...lost, before: at }];
  });
}

/** What one transaction writes. */
type Part = Pick<ProjectorBatch, 'inputs'> & Partial<Pick<ProjectorBatch, 'read'>>;

/** At least one: also a batch in which there is nothing has been read. */
function* partsOf(batch: ProjectorBatch): Generator<Part> {
  const { inputs } = batch;
  let at = 0;
  for (; at + AT_ONCE < inputs.length; at += AT_ONCE)
    yield { inputs: inputs.slice(at, at + AT_ONCE) };
  yield { inputs: inputs.slice(at), read: () => batch.read() };
}

async function write(
  { store, before }: Pick<ProjectorOptions, 'store' | 'before'>,
  { inputs, read }: Part,
): Promise<readonly MessageState[]> {
  await before?.();
  const messages = await store.apply(inputs, read?.());
  for (const lost of lossesIn(inputs)) await store.settleLost(lost);
  return messages;
}

/** Tells each reason once until the store works again: a connection is cut before it shows what keeps it from coming back. */
function failureTeller(log: Logger) {
  const told = new Set<string>();
  let failing: Failing | undefined;
  return {
    now: () => failing,
    failed(error: unknown): void {
      const { text: why } = describeError(error);
      if (!told.has(why)) log.error({ event: 'trace-failed', err: error }, 'trace-failed');
      told.add(why);
      failing = { since: failing?.since ?? Date.now(), why };
    },
    works(): void {
      if (failing !== undefined) log.info({ event: 'trace-recovered' }, 'trace-recovered');
      failing = undefined;
      told.clear();
    },
  };
}

/**
 * Builds the trace: takes a batch, applies it, acknowledges it, in a loop. A failing store is
 * retried with back-off; a batch is never skipped, and the streams keep what follows. So a broken
 * trace store refuses no traffic until JetStream's own limit is near.
 */
export function startProjector(options: ProjectorOptions): Projector {
  const { source, store, log, retry = RETRY, reconcileEvery = 30_000 } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const failures = failureTeller(log);

  /** Resolves to whether it was applied; false if it was told to stop while the store failed. */
  const apply = async (part: Part): Promise<boolean> => {
    for (let tries = 1; ; tries++) {
      try {
        const messages = await write(options, part);
        failures.works();
        options.onApplied?.({ inputs: part.inputs, messages });
        return true;
      } catch (error) {
        failures.failed(error);
        await pause(retryDelay(retry, tries), signal);
        if (signal.aborted) return false;
      }
    }
  };

  const project = async (): Promise<void> => {
    for (let batch = await source.next(); batch !== undefined; batch = await source.next()) {
      for (const part of partsOf(batch)) {
        await yieldToOthers();
        if (!(await apply(part))) return;
      }
      batch.acknowledge();
    }
  };

  const reconcile = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        const floors = await source.floors();
        const settled = floors === undefined ? 0 : await store.settleByFloor(floors);
        if (settled > 0) log.warn({ event: 'outcomes-lost', settled }, 'outcomes-lost');
      } catch (error) {
        // what was not reconciled now is found by the next check
        log.debug({ event: 'reconcile-failed', err: error }, 'reconcile-failed');
      }
      await pause(reconcileEvery, signal, { ref: false });
    }
  };

  const running = Promise.all([project(), reconcile()]);
  return {
    lag: () => source.lag(),
    failing: failures.now,
    async stop() {
      stopping.abort();
      await source.close();
      await running;
    },
  };
}
