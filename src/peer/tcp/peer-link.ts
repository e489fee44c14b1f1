import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lent } from '../../adapter/adapter.ts';
import type { Address, Settings } from '../../adapter/setting.ts';
import { background } from '../../error/background.ts';
import { isTold } from '../../error/foreseen.ts';
import { Limit } from '../../time/limit.ts';
import { UnderWay } from '../../time/under-way.ts';
import { dial, placeOf } from '../dial.ts';
import type { TlsClientLent } from '../tls/tls-files.ts';
import type { TlsClientSettings } from '../tls/tls-settings.ts';
import type { SendingTimes } from './sending-settings.ts';

/** A connection to the peer, for one message at a time. */
export interface LinkedConnection {
  /** Whether another message may be sent on it. */
  readonly usable: boolean;
  /** `refused`: the peer's reason for refusing our TLS, which with TLS 1.3 arrives after we are connected. */
  onClose(listener: (refused: string | undefined) => void): void;
  /** Closes it gracefully. */
  end(): Promise<void>;
  destroy(): void;
}

export type LinkLent = TlsClientLent &
  Pick<Lent<Settings>, 'signal' | 'connection' | 'event'> & {
    readonly settings: SendingTimes & {
      readonly connect: Address;
      readonly tls: TlsClientSettings | undefined;
    };
  };

/**
 * The connections to one peer: one for each message in flight, kept for the next one. The first is
 * opened at once, so that operators see whether the peer is reachable before a message needs it.
 */
export class PeerLink<Connection extends LinkedConnection> {
  readonly #lent: LinkLent;
  readonly #place: string;
  readonly #begin: (socket: Socket) => Connection;
  readonly #idle: Connection[] = [];
  readonly #sending = new UnderWay();
  /** Undefined where each may be sent at once. */
  readonly #turn: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** Each with the time for which it may be idle. */
  readonly #connections = new Map<Connection, Limit>();
  #closing = false;

  /** `begin` turns a connected socket into what messages are sent on. */
  constructor(lent: LinkLent, begin: (socket: Socket) => Connection) {
    this.#lent = lent;
    this.#place = placeOf(lent.settings.connect);
    this.#begin = begin;
    this.#turn = throttle(lent.settings.throttle);
  }

  async open(): Promise<void> {
    const { signal } = this.#lent;
    const first = await this.#dial(signal);
    // Not with a combined signal for each message, which would cost as much as sending it.
    signal.addEventListener('abort', this.#abort, { once: true });
    if (this.#lent.settings.stayConnected > 0) this.#keep(first);
    else await first.end();
  }

  /** Sends on a connection of its own, once it is its turn. */
  async send<Answer>(
    signal: AbortSignal,
    exchange: (connection: Connection) => Promise<Answer>,
  ): Promise<Answer> {
    this.#sending.begin();
    let connection: Connection | undefined;
    try {
      if (this.#turn !== undefined) await this.#turn(signal);
      connection =
        this.#takeIdle() ?? (await this.#dial(AbortSignal.any([signal, this.#lent.signal])));
      return await exchange(connection);
    } finally {
      if (connection !== undefined) this.#sent(connection);
      this.#sending.end();
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#sending.ended();
    this.#lent.signal.removeEventListener('abort', this.#abort);
    this.#idle.length = 0;
    const ended = this.#connections.entries().map(([connection, limit]) => {
      limit.close();
      return connection.end();
    });
    await Promise.all(ended);
  }

  readonly #abort = (): void => {
    for (const connection of this.#connections.keys()) connection.destroy();
  };

  #sent(connection: Connection): void {
    if (connection.usable && this.#lent.settings.stayConnected > 0) this.#keep(connection);
    else background(connection.end(), 'ending a connection', isTold);
  }

  #takeIdle(): Connection | undefined {
    for (let last = this.#idle.pop(); last !== undefined; last = this.#idle.pop()) {
      this.#connections.get(last)?.end();
      if (last.usable) return last;
    }
    return undefined;
  }

  #keep(connection: Connection): void {
    this.#connections.get(connection)?.begin(this.#lent.settings.stayConnected);
    this.#idle.push(connection);
  }

  /** Ends one that is idle. */
  #drop(connection: Connection): void {
    const at = this.#idle.indexOf(connection);
    if (at < 0) return;
    this.#idle.splice(at, 1);
    background(connection.end(), 'ending a connection', isTold);
  }

  async #dial(signal: AbortSignal): Promise<Connection> {
    const { connect: address, tls, connectTimeout: timeout } = this.#lent.settings;
    const socket = await dial(this.#lent, { address, tls, timeout }, signal);
    const connection = this.#begin(socket);
    this.#connections.set(connection, new Limit(() => this.#drop(connection)));
    this.#lent.connection('connected', this.#place);
    connection.onClose((refused) => this.#closed(connection, refused));
    return connection;
  }

  #closed(connection: Connection, refused: string | undefined): void {
    this.#connections.get(connection)?.close();
    this.#connections.delete(connection);
    this.#drop(connection);
    if (refused !== undefined) this.#lent.event('error', 'tls-refused', refused);
    if (this.#connections.size === 0 && !this.#closing) {
      this.#lent.connection('waiting', `${this.#place}, connects for the next message`);
    }
  }
}

/** Lets callers proceed evenly spaced: at most `perSecond` in a second. */
function throttle(
  perSecond: number | undefined,
): ((signal: AbortSignal) => Promise<void>) | undefined {
  if (perSecond === undefined) return undefined;
  const space = 1_000 / perSecond;
  let next = 0;
  return async (signal) => {
    const now = performance.now();
    const turn = Math.max(now, next);
    next = turn + space;
    if (turn > now) await sleep(turn - now, undefined, { signal });
  };
}
