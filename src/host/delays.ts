import type { Events } from '../log/events.ts';

/** Something that is overdue. */
export interface Delay {
  readonly since: number;
  readonly text: string;
}

/** Milliseconds until it becomes an event. */
const TOLD_AFTER = 10_000;

/**
 * What a host waits for although it should be immediate: a lease that nobody renews, an outcome
 * that NATS does not accept, space in another host's queue. It is shown in the host's status at
 * once, becomes an event after a while, and an alert after that.
 */
export class Delays {
  readonly #tell: (level: 'info' | 'error', event: string, text: string) => void;
  readonly #delays = new Map<string, Delay & { told: boolean }>();

  constructor(events: Pick<Events, 'told'>, host: string) {
    this.#tell = (level, event, text) => events.told(host, level, event, text);
  }

  /** Called repeatedly while it lasts. */
  see(what: string, text: string): void {
    const since = this.#delays.get(what)?.since ?? Date.now();
    let told = this.#delays.get(what)?.told ?? false;
    if (!told && Date.now() - since >= TOLD_AFTER) {
      told = true;
      this.#tell('error', 'host-waits', text);
    }
    this.#delays.set(what, { since, text, told });
  }

  over(what: string): void {
    const delay = this.#delays.get(what);
    this.#delays.delete(what);
    if (delay?.told === true) this.#tell('info', 'host-goes-on', `over: ${delay.text}`);
  }

  /** The delay that has lasted longest. */
  get longest(): Delay | undefined {
    let longest: Delay | undefined;
    for (const { since, text } of this.#delays.values()) {
      if (longest === undefined || since < longest.since) longest = { since, text };
    }
    return longest;
  }
}
