import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type * as Rhea from 'rhea';
import type { AmqpError, Connection, ConnectionOptions, EventContext } from 'rhea';
import {
  background,
  DisableError,
  NotConnectedError,
  type setting,
  timerTime,
  wait,
} from 'waybill/adapter';
import {
  connectionCause,
  dial,
  firstReached,
  Gathered,
  optionalPackage,
  placeOf,
  withRenewedToken,
} from 'waybill/peer/basics';
import type { ClientLent } from 'waybill/peer/tls';
import { type Account, accountOf } from '../account.ts';
import type { Amqp1Values } from './amqp1-settings.ts';
import { Cbs, PUT_AGAIN } from './cbs.ts';

export type Amqp1Lent = ClientLent<Amqp1Values>;

/** A signed-in connection, until it is lost. */
export interface Amqp1Session {
  readonly connection: Connection;
  readonly place: string;
  /** Broker and who signed in, for people. */
  readonly facts: string;
  /** Whether it is Azure Service Bus, or says so by its sign-in. */
  readonly claims: boolean;
  /** Resolves with the reason once it is gone, also after we closed it. */
  readonly ended: Promise<Error>;
  /** Shows our right to use an address, where the sign-in is by claims, and keeps it. */
  authorize(address: string, signal: AbortSignal): Promise<void>;
  /** Ends it with this reason. */
  fail(reason: Error): void;
  close(): Promise<void>;
}

/**
 * Connects to the first broker that answers and signs in. Throws NotConnectedError if another try may help; DisableError
 * if the sign-in was refused.
 */
export async function connectAmqp1(lent: Amqp1Lent, signal: AbortSignal): Promise<Amqp1Session> {
  return await withRenewedToken(lent, (as) =>
    firstReached(as.settings.connect, (address) => connectTo(as, address, signal), {
      signal,
      what: 'broker',
    }),
  );
}

/** The client, which only some sites have. */
export const loadRhea = (): Promise<typeof Rhea> =>
  optionalPackage('rhea', async () => {
    const { default: container } = (await import('rhea')) as unknown as {
      default: typeof Rhea;
    };
    return container;
  });

const SERVICE_BUS = /\.servicebus\.[a-z.]+$/i;

const usesClaims = ({ signIn, credential }: Amqp1Values, host: string): boolean =>
  credential !== undefined && (signIn === 'cbs' || (signIn === 'auto' && SERVICE_BUS.test(host)));

async function connectTo(
  lent: Amqp1Lent,
  address: setting.Address,
  signal: AbortSignal,
): Promise<Amqp1Session> {
  const { settings } = lent;
  const rhea = await loadRhea();
  const account = await accountOf(lent, signal);
  const claims = usesClaims(settings, address.host);
  const { tls, connectTimeout: timeout } = settings;
  const socket = await dial(lent, { address, tls, timeout }, signal);
  // each frame would be a packet of its own
  Gathered.ofOthers(socket);
  // The library hears errors only while it is connected.
  socket.on('error', () => undefined);
  const container = rhea.create_container();
  // Errors that nobody hears would end the process; those of links and sessions are heard where they are made.
  container.on('error', () => undefined);
  const mechanisms = rhea.sasl.client_mechanisms();
  if (account.password !== undefined && !claims) {
    mechanisms.enable_plain(account.user, account.password);
  } else if (claims || tls?.certificate === undefined) mechanisms.enable_anonymous('waybill');
  else mechanisms.enable_external();
  const connection = container.create_connection({
    ...optionsOf(lent, address),
    sasl_mechanisms: mechanisms,
    connection_details: () => ({
      connect: (_port: number, _host: string, _options: unknown, connected: () => void) => {
        setImmediate(connected);
        return socket;
      },
    }),
  } as unknown as ConnectionOptions);
  const session = new Amqp1Connection(lent, { connection, socket, address, account, claims });
  await session.open(signal);
  return session;
}

function optionsOf(
  { settings, production, host }: Amqp1Lent,
  address: setting.Address,
): ConnectionOptions {
  return {
    reconnect: false,
    container_id: `waybill/${production}/${host}/${randomUUID().slice(0, 8)}`,
    hostname: settings.hostname ?? address.host,
    host: address.host,
    port: address.port,
    idle_time_out: settings.idleTimeout,
  };
}

interface Made {
  readonly connection: Connection;
  readonly socket: Socket;
  readonly address: setting.Address;
  readonly account: Account;
  readonly claims: boolean;
}

class Amqp1Connection implements Amqp1Session {
  readonly connection: Connection;
  readonly place: string;
  readonly claims: boolean;
  readonly #lent: Amqp1Lent;
  readonly #made: Made;
  readonly #ended = Promise.withResolvers<Error>();
  readonly ended = this.#ended.promise;
  readonly #closing = new AbortController();
  #cbs: Cbs | undefined;

  constructor(lent: Amqp1Lent, made: Made) {
    this.#lent = lent;
    this.#made = made;
    this.connection = made.connection;
    this.claims = made.claims;
    this.place = placeOf(made.address);
  }

  get facts(): string {
    const { product, version } = (this.connection.properties ?? {}) as {
      product?: unknown;
      version?: unknown;
    };
    const named = [product, version].filter((one) => typeof one === 'string').join(' ');
    const who = this.claims ? `${this.#made.account.who}, with claims` : this.#made.account.who;
    return `${(named === '' ? 'AMQP 1.0' : named).replaceAll(/[^ -~]/g, '?').slice(0, 60)}, ${who}`;
  }

  async open(signal: AbortSignal): Promise<void> {
    const { connection } = this;
    const { connectTimeout } = this.#lent.settings;
    const opened = Promise.withResolvers<void>();
    let isOpen = false;
    const end = (reason: Error): void => {
      opened.reject(reason);
      this.#end(reason);
    };
    connection.on('connection_open', () => {
      isOpen = true;
      opened.resolve();
    });
    connection.on('connection_error', ({ error }: EventContext) => end(this.#refusal(error)));
    connection.on('connection_close', () => end(this.#gone('the broker closed it')));
    connection.on('disconnected', ({ error }: EventContext) =>
      end(isOpen ? this.#lost(error) : this.#brokenOff()),
    );
    this.#made.socket.once('close', () => end(isOpen ? this.#lost(undefined) : this.#brokenOff()));
    connection.on('protocol_error', () => end(this.#foreign()));
    // heard by `opened`, or told by the link that it ends
    connection.on('session_error', () => undefined);
    const late = setTimeout(
      () => end(this.#foreign(`did not finish the sign-in within ${connectTimeout / 1_000} s`)),
      timerTime(connectTimeout),
    );
    const stop = (): void => end(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    try {
      connection.connect();
      await opened.promise;
    } catch (error) {
      this.#made.socket.destroy();
      throw error;
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', stop);
    }
  }

  async authorize(address: string, signal: AbortSignal): Promise<void> {
    if (!this.claims) return;
    const found = await this.#lent.credential(this.#lent.settings.credential ?? '');
    if (found.kind !== 'basic' && found.kind !== 'bearer' && found.kind !== 'oauth2') return;
    const audience = `sb://${this.#made.address.host}/${address}`;
    const cbs = (this.#cbs ??= new Cbs(this.connection, { credential: found, place: this.place }));
    await cbs.put(audience, signal);
    background(this.#renew(cbs, audience), 'renewing a token');
  }

  async #renew(cbs: Cbs, audience: string): Promise<void> {
    const { signal } = this.#closing;
    try {
      for (;;) {
        await wait(PUT_AGAIN, { signal, ref: false });
        await cbs.put(audience, signal);
      }
    } catch (error) {
      if (!signal.aborted) this.fail(error as Error);
    }
  }

  fail(reason: Error): void {
    this.#end(reason);
    this.#made.socket.destroy();
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('closed'));
    const { socket } = this.#made;
    if (socket.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const late = setTimeout(() => socket.destroy(), 1_000);
    socket.once('close', () => resolve());
    this.connection.close();
    await promise;
    clearTimeout(late);
  }

  #end(reason: Error): void {
    this.#closing.abort(reason);
    this.#ended.resolve(reason);
  }

  #gone(why: string): NotConnectedError {
    return new NotConnectedError(
      `The connection to ${this.place} is gone: ${why}. It is opened again; look at the log of the broker if it lasts.`,
    );
  }

  #lost(error: unknown): NotConnectedError {
    if (!(error instanceof Error)) return this.#gone('the broker ended it or cannot be reached');
    const { cause } = connectionCause(error, this.place);
    return this.#gone(cause);
  }

  /** Brokers also do so where the virtual host is not there, or not for us: RabbitMQ after three seconds. */
  #brokenOff(): NotConnectedError {
    const { who } = this.#made.account;
    return new NotConnectedError(
      `Not connected: ${this.place} broke off while we signed in (${who}). Check hostname (the virtual host) and the account's rights there, and that AMQP 1.0 is spoken on this port; look at the log of the broker.`,
    );
  }

  #foreign(what = 'does not speak AMQP 1.0'): NotConnectedError {
    return new NotConnectedError(
      `Not connected: ${this.place} ${what}. Check that a broker with AMQP 1.0 listens on this port, and whether it expects TLS.`,
    );
  }

  /** By the conditions of AMQP 1.0 (part 2.8): their texts are the broker's, and not shown. */
  #refusal(error: AmqpError | Error | undefined): Error {
    const { condition = '' } = (error ?? {}) as { condition?: string };
    const { who, remedy } = this.#made.account;
    const code = symbol(condition);
    if (condition === 'amqp:unauthorized-access') {
      return new DisableError(`${this.place} refused the sign-in (${who}). ${remedy}.`);
    }
    if (condition === 'amqp:not-allowed' || condition === 'amqp:not-found') {
      return new DisableError(
        `${this.place} has no place for us (${code}). Correct hostname (the virtual host), or have the account permitted there.`,
      );
    }
    return this.#gone(`the broker closed it (${code})`);
  }
}

/** A condition as it may be shown. */
export const symbol = (condition: unknown): string =>
  typeof condition === 'string' && /^[\w:.-]{1,80}$/.test(condition)
    ? condition
    : 'no reason given';
