import { isAway } from '../broker/away.ts';
import { tolerate } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import type { Runtime } from './host.ts';

/** A line of a host's queue that the host is not normally working on: an earlier one, or another engine's. */
export interface OtherLine {
  readonly stream: string;
  readonly generation: number;
  /** Whether it belongs to an earlier order of the host: messages waiting there go first. */
  readonly earlier: boolean;
  /** Whether something in it is not settled. */
  readonly waits: boolean;
  /** The last message currently in it. */
  readonly until: number;
}

/** Gives a host the other lines of its queue. */
export interface OtherLines {
  /** All of them, oldest first. */
  find(): Promise<readonly OtherLine[]>;
  /**
   * Prepares a line to be processed one message after another.
   *
   * @returns how to take it over again, if no other engine can work on it
   */
  prepare(line: OtherLine): Promise<(() => Promise<unknown>) | undefined>;
  /** Whether everything up to `until` is settled. */
  isSettled(line: OtherLine): Promise<boolean>;
}

export interface OtherLinesOptions {
  readonly name: string;
  readonly others: OtherLines;
  /** Whether the host only works on its queue while it holds the lease anyway. */
  readonly held: boolean;
  /** Works on a line until the returned function is called and has resolved. */
  readonly work: (
    stream: string,
    takeOver: (() => Promise<unknown>) | undefined,
  ) => () => Promise<void>;
}

/** How often to look for other lines, in milliseconds: another engine may still have an earlier order. */
const LOOK = 5_000;
const PAUSE = 200;

/**
 * Sends what waits in other lines of a host's queue: a change of its order begins new lines, and
 * messages accepted before go first, one generation after another and each line in its own order.
 */
export class OtherLinesWork {
  readonly #runtime: Pick<Runtime, 'leases' | 'events'>;
  readonly #options: OtherLinesOptions;

  constructor(runtime: Pick<Runtime, 'leases' | 'events'>, options: OtherLinesOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  /**
   * Resolves once what waited in earlier lines is settled, or the signal aborts. Checks twice:
   * messages being accepted while the order changed may be stored a moment later.
   */
  async first(signal: AbortSignal): Promise<void> {
    for (let settled = 0; settled < 2 && !signal.aborted; await pause(PAUSE, signal)) {
      const round = await this.#round(signal, ({ earlier }) => earlier);
      if (round === 'none') return;
      if (round === 'settled') settled += 1;
    }
  }

  /** Keeps looking for what other engines may still store in other lines, until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(LOOK, signal);
      if (!signal.aborted) await this.#round(signal);
    }
  }

  async #round(
    signal: AbortSignal,
    isMeant: (line: OtherLine) => boolean = () => true,
  ): Promise<'none' | 'settled' | 'open'> {
    const { others, name, held } = this.#options;
    const { leases } = this.#runtime;
    try {
      const lines = (await others.find()).filter(isMeant);
      if (lines.length === 0) return 'none';
      const waiting = lines.filter(({ waits }) => waits);
      if (waiting.length === 0) return 'settled';
      if (held) return await this.#drain(waiting, signal);
      const lease = await leases.take(`queue.${name}`);
      if (lease === undefined) return 'open';
      try {
        return await this.#drain(waiting, AbortSignal.any([signal, lease.signal]));
      } finally {
        await lease.release();
      }
    } catch (error) {
      // NATS is unreachable at the moment: it checks again
      tolerate(error, isAway, `sending what waits in other lines of ${name}`);
      return 'open';
    }
  }

  async #drain(lines: readonly OtherLine[], signal: AbortSignal): Promise<'settled' | 'open'> {
    if (lines.some(({ earlier }) => earlier)) {
      this.#runtime.events.told(
        this.#options.name,
        'info',
        'queue-order-changed',
        'messages that waited before the order of its queue was changed go first',
      );
    }
    for (const generation of new Set(lines.map((line) => line.generation))) {
      const together = lines.filter((line) => line.generation === generation);
      await Promise.all(together.map((line) => this.#drainLine(line, signal)));
      if (signal.aborted) return 'open';
    }
    return 'settled';
  }

  async #drainLine(line: OtherLine, signal: AbortSignal): Promise<void> {
    const { others, work } = this.#options;
    const end = work(line.stream, await others.prepare(line));
    try {
      while (!signal.aborted && !(await others.isSettled(line))) await pause(PAUSE, signal);
    } finally {
      await end();
    }
  }
}
