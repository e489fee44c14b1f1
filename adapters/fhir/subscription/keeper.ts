import { randomUUID } from 'node:crypto';
import { isTold, pause, type Records, unless } from 'waybill/adapter';
import { beat, type Notifying } from './posting.ts';
import type { Subscription } from './subscriptions.ts';

/** Milliseconds between two rounds. */
const ROUND = 5_000;
/** After so many rounds without a sign of the engine that goes them, another one does. */
const MISSED = 3;
const SWEEP = 3_600_000;
/** For how long a handshake may wait in the queue before anybody has tried it. */
const UNSENT = 86_400_000;
/** Heartbeats under way at once: endpoints that take nothing hold up only each other. */
const AT_ONCE = { well: 32, failing: 16 };
type Lane = keyof typeof AT_ONCE;

/** Ends what is over, gives up handshakes that nobody answers, and sends heartbeats: one engine at a time does. */
export class Keeper {
  readonly #records: Records;
  readonly #notifying: Omit<Notifying, 'signal'>;
  readonly #name: string = randomUUID();
  readonly #ending = new AbortController();
  readonly #signal: AbortSignal;
  /** When a heartbeat is due at the earliest, as far as this engine knows. */
  readonly #due = new Map<string, number>();
  readonly #beating = new Map<string, { readonly lane: Lane; readonly sent: Promise<void> }>();
  #swept = Date.now();
  #running: Promise<void> = Promise.resolve();

  constructor(records: Records, notifying: Omit<Notifying, 'signal'>) {
    this.#records = records;
    this.#notifying = notifying;
    this.#signal = AbortSignal.any([notifying.lent.signal, this.#ending.signal]);
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
    await Promise.all([...this.#beating.values()].map(({ sent }) => sent));
    // of an engine that ends without NATS, what it last sent is not known
    await this.#notifying.contacts.write(true).catch(unless(isTold, 'noting notifications'));
  }

  async #run(): Promise<void> {
    while (!this.#signal.aborted) {
      // the next round finds what this one could not do
      await this.round().catch(unless(isTold, 'keeping subscriptions'));
      await pause(ROUND, this.#signal);
    }
  }

  /** One look at all subscriptions; it does not wait for the heartbeats that it sends. */
  async round(): Promise<void> {
    const { subscriptions, contacts } = this.#notifying;
    await contacts.write();
    if (!(await this.#isOurs())) return;
    const all = await subscriptions.all();
    contacts.keepOnly(all);
    for (const id of this.#due.keys()) if (!all.has(id)) this.#due.delete(id);
    const now = Date.now();
    for (const one of all.values()) {
      if (this.#signal.aborted) return;
      if (one.status === 'off') continue;
      if (one.end <= now) await this.#ended(one);
      else if (one.status === 'requested') await this.#unanswered(one, now);
      else if (one.status === 'active') await this.#heartbeat(one, now);
    }
    if (now - this.#swept < SWEEP) return;
    this.#swept = now;
    await subscriptions.sweep();
  }

  async #isOurs(): Promise<boolean> {
    const entry = await this.#records.read<{ readonly by: string; readonly at: number }>('keeper');
    const { value } = entry;
    const now = Date.now();
    const isOthers = value !== undefined && value.by !== this.#name;
    if (isOthers && Math.abs(now - value.at) < MISSED * ROUND) return false;
    const mine = { by: this.#name, at: now };
    return (await this.#records.replace('keeper', entry, mine)) !== undefined;
  }

  async #ended({ id, owner }: Subscription): Promise<void> {
    const { subscriptions, lent } = this.#notifying;
    if (!(await subscriptions.over(id))) return;
    const text = `Subscription ${id} of ${owner} is over.`;
    lent.event('info', 'subscription-ended', text, owner);
  }

  /** Its message may have been given up before its endpoint was, or have gone nowhere. */
  async #unanswered({ id, owner, failing, changed }: Subscription, now: number): Promise<void> {
    const { subscriptions, lent } = this.#notifying;
    const isLate =
      failing === undefined
        ? now - Date.parse(changed) >= UNSENT
        : now - failing >= lent.settings.errorAfter;
    if (!isLate) return;
    const error =
      failing === undefined
        ? 'The handshake was not sent.'
        : 'The endpoint has not answered the handshake.';
    const after = await subscriptions.change(id, (before) =>
      before.status === 'requested' && before.changed === changed
        ? { ...before, status: 'error', error }
        : before,
    );
    if (after?.error !== error) return;
    const text = `Subscription ${id} of ${owner} is in error: its handshake was not answered.`;
    lent.event('warn', 'subscription-failed', text, owner);
  }

  async #heartbeat(one: Subscription, now: number): Promise<void> {
    const { id, heartbeat, failing } = one;
    if (heartbeat === undefined || (this.#due.get(id) ?? 0) > now) return;
    const lane: Lane = failing === undefined ? 'well' : 'failing';
    const under = [...this.#beating.values()].filter((other) => other.lane === lane);
    if (under.length >= AT_ONCE[lane] || this.#beating.has(id)) return;
    const claimed = await this.#notifying.contacts.claim(id, heartbeat);
    if (claimed !== true) {
      this.#due.set(id, claimed);
      return;
    }
    this.#due.set(id, now + heartbeat);
    const sent = beat(one, { ...this.#notifying, signal: this.#signal })
      // that it was not taken is noted with the subscription, and becomes an event in the end
      .catch(unless(isTold, 'sending a heartbeat'))
      .finally(() => this.#beating.delete(id));
    this.#beating.set(id, { lane, sent });
  }
}
