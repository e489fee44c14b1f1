import { integer } from '../adapter/setting.ts';
import { Line } from './line.ts';

/** How many messages an inbound adapter stores at a time: the limit of `Paced`. */
export const parallelSetting = integer({
  help: 'How many messages are stored at a time. With 1 they are stored in the order in which they come.',
  default: 1,
  minimum: 1,
  maximum: 256,
  advanced: true,
});

/** Runs work in the order in which it comes, so many pieces at a time. */
export class Paced {
  readonly #waiting = new Line<() => void>();
  #free: number;

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Does it once there is room: at once, if there is. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#turn();
    try {
      return await work();
    } finally {
      this.give();
    }
  }

  /** Resolves once there is room; `give` must be called when what was begun then has ended. */
  async take(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#turn();
  }

  #turn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    return promise;
  }

  give(): void {
    const next = this.#waiting.next();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
