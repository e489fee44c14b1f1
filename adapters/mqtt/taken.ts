import { hash } from 'node:crypto';
import type { IPublishPacket } from 'mqtt-packet';
import type { Memory } from 'waybill/adapter';

/** How many numbers of a session can be in use. */
const MOST = 65_535;

interface Kept {
  readonly filters: string;
  readonly taken: Readonly<Record<string, string>>;
}

const TAKEN = new WeakMap<object, Map<number, string>>();

/**
 * Stored messages that may be handed out again: a broker does so only in a session that it kept, with the same number and
 * marked as a duplicate (MQTT 3.3.1.1). Messages of QoS 2 are remembered durably until the broker gives their number up,
 * those of QoS 1 as long as this process runs.
 */
export class TakenPackets {
  readonly #memory: Memory;
  readonly #recent: Map<number, string>;
  #durable: Map<number, string>;
  #filters: string;

  private constructor(settings: object, memory: Memory, { filters, taken }: Kept) {
    this.#memory = memory;
    this.#recent = TAKEN.get(settings) ?? new Map<number, string>();
    TAKEN.set(settings, this.#recent);
    this.#durable = new Map(Object.entries(taken).map(([id, print]) => [Number(id), print]));
    this.#filters = filters;
  }

  static async read(settings: object, memory: Memory): Promise<TakenPackets> {
    const text = await memory.read();
    const kept = text === undefined ? { filters: '', taken: {} } : (JSON.parse(text) as Kept);
    return new TakenPackets(settings, memory, kept);
  }

  /** Whether there was a session before, with these subscriptions. */
  knows(filters: string): boolean {
    return this.#filters === filters;
  }

  /** A session begins: remembered messages belong to another. */
  async begin(filters: string, isKept: boolean): Promise<void> {
    if (!isKept) {
      this.#recent.clear();
      this.#durable.clear();
    }
    if (isKept && this.#filters === filters) return;
    this.#filters = filters;
    await this.#write();
  }

  /** Whether this one was stored without the broker learning of it. */
  has(packet: IPublishPacket): boolean {
    const id = packet.messageId ?? 0;
    if (packet.qos === 0 || !packet.dup) return false;
    const print = printOf(packet);
    return this.#recent.get(id) === print || this.#durable.get(id) === print;
  }

  async add(packet: IPublishPacket): Promise<void> {
    const id = packet.messageId ?? 0;
    if (packet.qos === 0) return;
    this.#recent.delete(id);
    this.#recent.set(id, printOf(packet));
    if (this.#recent.size > MOST) this.#recent.delete(this.#recent.keys().next().value ?? 0);
    if (packet.qos !== 2) return;
    this.#durable.set(id, printOf(packet));
    await this.#write();
  }

  /** The broker knows that we have it. Written with the next one: until then it is remembered too long, which does no harm. */
  release(id: number): void {
    this.#durable.delete(id);
    this.#recent.delete(id);
  }

  async #write(): Promise<void> {
    const kept: Kept = { filters: this.#filters, taken: Object.fromEntries(this.#durable) };
    await this.#memory.write(JSON.stringify(kept));
  }
}

const printOf = ({ topic, payload }: IPublishPacket): string =>
  hash(
    'sha256',
    Buffer.concat([Buffer.from(`${topic}\0`), Buffer.from(payload)]),
    'base64url',
  ).slice(0, 22);
