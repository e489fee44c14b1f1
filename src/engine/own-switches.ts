import { isAway } from '../broker/away.ts';
import type { State, Switch } from '../broker/state.ts';
import { tolerate } from '../error/foreseen.ts';
import type { Events } from '../log/events.ts';
import { pause } from '../time/pause.ts';

/** Milliseconds before the first retry; each pause is twice the previous one. */
const FIRST = 500;
const LONGEST = 30_000;
/** Gives up after about eight minutes. */
const TRIES = 20;

/**
 * Hosts of this engine that stopped themselves, until that is stored in the production's state;
 * they are also off in the meantime.
 */
export class OwnSwitches {
  readonly #parts: {
    readonly state: State;
    readonly events: Pick<Events, 'told'>;
    readonly signal: AbortSignal;
  };
  readonly #off = new Map<string, Switch>();

  constructor(parts: { state: State; events: Pick<Events, 'told'>; signal: AbortSignal }) {
    this.#parts = parts;
  }

  of(host: string): Switch | undefined {
    return this.#off.get(host);
  }

  /** Called when a person has switched the host. */
  forget(host: string): void {
    this.#off.delete(host);
  }

  /**
   * Takes effect at once; resolves when it is stored, given up, or overruled by a person. Does not
   * reject while the server is unreachable.
   */
  async keep(host: string, off: Switch): Promise<void> {
    const { state, events, signal } = this.#parts;
    this.#off.set(host, off);
    for (let tries = 1; ; tries++) {
      if (this.#off.get(host) !== off) return;
      try {
        await state.switchOff(host, off);
        this.#off.delete(host);
        if (tries > 1) events.told(host, 'info', 'switch-kept', 'it stays off after a restart');
        return;
      } catch (error) {
        tolerate(error, isAway, `storing that ${host} stopped itself`);
      }
      if (tries === 1) {
        events.told(host, 'warn', 'switch-not-kept', `${NOT_KEPT}; this is retried`);
      }
      if (tries === TRIES || signal.aborted) break;
      await pause(Math.min(FIRST * 2 ** (tries - 1), LONGEST), signal);
    }
    events.told(host, 'error', 'switch-not-kept', `${NOT_KEPT}: after a restart it will run again`);
  }
}

const NOT_KEPT = 'it stopped itself and is off, but that could not be stored in NATS';
