import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import {
  background,
  isTold,
  type Lent,
  type Message,
  type OpenOutbound,
  outbound,
  type Reply,
  timerTime,
} from 'waybill/adapter';
import { dial, newsFilter, placeOf, probe, UnderWay } from 'waybill/peer';
import { mllpOutSettings } from './mllp-out-settings.ts';
import { outgoingMessage } from './outgoing-message.ts';
import { PeerConnection } from './peer-connection.ts';

type LentHere = Lent<typeof mllpOutSettings>;

export default outbound({
  type: 'mllp-out',
  title: 'HL7 v2 over MLLP, sending',
  summary: 'Sends each HL7 v2 message to a TCP port and returns its acknowledgement.',
  settings: mllpOutSettings,
  // Those that only warn come first, so that they are heard beside the code that decides.
  replies: {
    'wrong-control-id': 'warn',
    AA: 'complete',
    CA: 'complete',
    AE: 'suspend',
    CE: 'suspend',
    AR: ['retry', 'fail'],
    CR: ['retry', 'fail'],
    'no-code': 'suspend',
    'wrong-type': 'complete',
    none: 'retry',
    other: 'suspend',
  },
  // The line is held for as long as it takes: a receiver that is away must not cost a message.
  retry: { for: Number.POSITIVE_INFINITY },
  async open(lent) {
    const link = new Link(lent);
    await link.open();
    return link;
  },
  test: ({ settings, ...lent }, step) =>
    probe(lent, step, { address: settings.connect, tls: settings.tls, silent: true }),
});

/** How many control ids are remembered: an answer that comes later than after so many messages is taken for a strange one. */
const REMEMBERED = 1_000;

/**
 * The connections to one peer: one for each message in flight, kept for the next one. The first is
 * opened at once, so that operators see whether the peer is there before a message needs it.
 */
class Link implements OpenOutbound {
  readonly #lent: LentHere;
  readonly #place: string;
  readonly #idle: { readonly connection: PeerConnection; readonly timer?: NodeJS.Timeout }[] = [];
  readonly #sending = new UnderWay();
  readonly #turn: (signal: AbortSignal) => Promise<void>;
  readonly #connections = new Set<PeerConnection>();
  readonly #sent = new LRUCache<string, true>({ max: REMEMBERED });
  readonly #isNews = newsFilter();
  #closing = false;

  constructor(lent: LentHere) {
    this.#lent = lent;
    this.#place = placeOf(lent.settings.connect);
    this.#turn = throttle(lent.settings.throttle);
  }

  async open(): Promise<void> {
    const { signal } = this.#lent;
    const first = await this.#dial(signal);
    // Not by a signal composed for each message: that costs as much as sending it.
    signal.addEventListener('abort', this.#abort, { once: true });
    if (this.#lent.settings.stayConnected > 0) this.#keep(first);
    else await first.end();
  }

  send(message: Message, signal: AbortSignal): Promise<Reply | undefined> {
    return this.#sending.run(this.#send(message, signal));
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#sending.ended();
    this.#lent.signal.removeEventListener('abort', this.#abort);
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer);
    await Promise.all([...this.#connections].map((connection) => connection.end()));
  }

  readonly #abort = (): void => {
    for (const connection of this.#connections) connection.destroy();
  };

  async #send(message: Message, signal: AbortSignal): Promise<Reply | undefined> {
    await this.#turn(signal);
    const outgoing = await outgoingMessage(message.body, this.#lent.settings.framing);
    const connection =
      this.#takeIdle() ?? (await this.#dial(AbortSignal.any([signal, this.#lent.signal])));
    const reply = await connection.exchange(outgoing, signal);
    if (connection.usable && this.#lent.settings.stayConnected > 0) this.#keep(connection);
    else background(connection.end(), 'ending a connection', isTold);
    return reply;
  }

  #takeIdle(): PeerConnection | undefined {
    for (let last = this.#idle.pop(); last !== undefined; last = this.#idle.pop()) {
      clearTimeout(last.timer);
      if (last.connection.usable) return last.connection;
    }
    return undefined;
  }

  #keep(connection: PeerConnection): void {
    const { stayConnected } = this.#lent.settings;
    const timer = Number.isFinite(stayConnected)
      ? setTimeout(() => this.#drop(connection), timerTime(stayConnected))
      : undefined;
    this.#idle.push({ connection, ...(timer && { timer }) });
  }

  #drop(connection: PeerConnection): void {
    const at = this.#idle.findIndex((one) => one.connection === connection);
    if (at < 0) return;
    clearTimeout(this.#idle.splice(at, 1)[0]?.timer);
    background(connection.end(), 'ending a connection', isTold);
  }

  async #dial(signal: AbortSignal): Promise<PeerConnection> {
    const { settings, log, isRuled } = this.#lent;
    const { connect: address, tls, connectTimeout: timeout } = settings;
    const socket = await dial(this.#lent, { address, tls, timeout }, signal);
    const connection = new PeerConnection(socket, {
      place: this.#place,
      settings,
      log,
      sent: this.#sent,
      // the one answer of a connection for one message can belong to no other
      takesStrange: settings.stayConnected === 0 || isRuled?.('wrong-control-id') === true,
      onAside: (whose) => this.#setAside(whose),
    });
    this.#connections.add(connection);
    this.#lent.connection('connected', this.#place);
    connection.onClose((refused) => this.#closed(connection, refused));
    return connection;
  }

  #setAside(whose: 'earlier' | 'unknown'): void {
    const what =
      whose === 'earlier'
        ? 'an acknowledgement of a message that was sent before came late or again'
        : 'an acknowledgement of no message that was sent came (MSA-2 is not its MSH-10)';
    this.#lent.log.debug({ peer: this.#place, whose }, 'acknowledgement set aside');
    if (!this.#isNews(whose)) return;
    const text = `${this.#place}: ${what}; it was set aside.`;
    this.#lent.event('warn', 'acknowledgement-set-aside', text);
  }

  #closed(connection: PeerConnection, refused: string | undefined): void {
    this.#connections.delete(connection);
    this.#drop(connection);
    if (refused !== undefined) this.#lent.event('error', 'tls-refused', refused);
    if (this.#connections.size === 0 && !this.#closing) {
      this.#lent.connection('waiting', `${this.#place}, connects for the next message`);
    }
  }
}

/** Gives each caller its turn, evenly spaced: at most `perSecond` in a second. Undefined does not wait. */
function throttle(perSecond: number | undefined): (signal: AbortSignal) => Promise<void> {
  if (perSecond === undefined) return () => Promise.resolve();
  const space = 1_000 / perSecond;
  let next = 0;
  return async (signal) => {
    const now = performance.now();
    const turn = Math.max(now, next);
    next = turn + space;
    if (turn > now) await sleep(turn - now, undefined, { signal });
  };
}
