import type { Writable } from 'node:stream';
import type { ChannelModel } from 'amqplib';
import {
  DisableError,
  NotConnectedError,
  type setting,
  timerTime,
  toldElsewhere,
} from 'waybill/adapter';
import {
  firstBytes,
  firstReached,
  Gathered,
  notConnected,
  optionalPackage,
  placeOf,
  unlessAborted,
  withRenewedToken,
} from 'waybill/peer/basics';
import { type ClientLent, clientTls } from 'waybill/peer/tls';
import { type Account, accountOf } from './account.ts';
import type { AmqpConnectionValues } from './amqp-settings.ts';

export type AmqpLent = ClientLent<AmqpConnectionValues>;

/** A signed-in connection, until it is lost. */
export interface AmqpSession {
  readonly connection: ChannelModel;
  readonly place: string;
  /** Broker, version and who signed in, for people. */
  readonly facts: string;
  /** Resolves with the reason once it is gone, also after we closed it. */
  readonly ended: Promise<NotConnectedError>;
}

/**
 * Connects to the first broker that answers and signs in. Throws NotConnectedError if another try may help; DisableError
 * if the sign-in was refused.
 */
export async function connectAmqp(lent: AmqpLent, signal: AbortSignal): Promise<AmqpSession> {
  return await withRenewedToken(lent, (as) =>
    firstReached(as.settings.connect, (address) => connectTo(as, address, signal), {
      signal,
      what: 'broker',
    }),
  );
}

async function connectTo(
  lent: AmqpLent,
  address: setting.Address,
  signal: AbortSignal,
): Promise<AmqpSession> {
  const { settings, production, host } = lent;
  const account = await accountOf(lent, signal);
  const amqp = await optionalPackage('amqplib', () => import('amqplib'));
  const place = placeOf(address);
  const credentials =
    account.password === undefined
      ? amqp.credentials.external()
      : amqp.credentials.plain(account.user, account.password);
  const { tls } = settings;
  // the library's own limit is one of silence, which a broker that says a byte now and then never reaches
  const late = AbortSignal.timeout(timerTime(settings.connectTimeout));
  const gaveUp = new AbortController();
  const giveUp = (): void => gaveUp.abort(new Error('given up'));
  for (const one of [late, signal]) one.addEventListener('abort', giveUp, { once: true });
  const opening = amqp.connect(
    {
      protocol: tls === undefined ? 'amqp' : 'amqps',
      hostname: address.host,
      port: address.port,
      vhost: encodeURIComponent(settings.vhost),
      heartbeat: Math.max(1, Math.round(settings.heartbeat / 1_000)),
    },
    {
      ...(tls === undefined ? {} : await clientTls(lent, tls, address.host)),
      credentials,
      timeout: settings.connectTimeout,
      // ends the connection while it is being made; Node knows this option, the types of the library do not
      ...({ signal: gaveUp.signal } as object),
      noDelay: true,
      keepAlive: true,
      clientProperties: { connection_name: `waybill ${production}/${host}` },
    },
  );
  try {
    const connection = await unlessAborted(opening, gaveUp.signal);
    return sessionOf(connection, place, account.who);
  } catch (error) {
    opening.catch(toldElsewhere);
    signal.throwIfAborted();
    const reason = late.aborted ? new Error('connect ETIMEDOUT') : error;
    throw await failureOf(lent, { address, account, error: reason }, signal);
  } finally {
    for (const one of [late, signal]) one.removeEventListener('abort', giveUp);
  }
}

function sessionOf(connection: ChannelModel, place: string, who: string): AmqpSession {
  const { promise, resolve } = Promise.withResolvers<NotConnectedError>();
  const end = (error?: Error): void =>
    resolve(
      new NotConnectedError(
        `The connection to ${place} is gone: ${whyGone(error)}. It is opened again; look at the log of the broker if it lasts.`,
        { cause: error },
      ),
    );
  connection.on('error', end);
  connection.on('close', end);
  // its channels write each on its own
  const { stream } = connection.connection as unknown as { readonly stream?: Writable };
  if (stream !== undefined) Gathered.ofOthers(stream);
  const { product = 'AMQP', version = '' } = connection.connection.serverProperties as {
    product?: string;
    version?: string;
  };
  const facts = `${printable(product)} ${printable(version)}, ${who}`.replace(' ,', ',');
  return { connection, place, facts, ended: promise };
}

function whyGone(error: Error | undefined): string {
  const text = error?.message ?? '';
  if (/heartbeat/i.test(text)) return 'it showed no sign within two heartbeats';
  return /CONNECTION.FORCED|320/.test(text)
    ? 'the broker closed it'
    : 'the broker ended it or cannot be reached';
}

const printable = (text: string): string => text.replaceAll(/[^ -~]/g, '?').slice(0, 60);

interface Failed {
  readonly address: setting.Address;
  readonly account: Account;
  readonly error: unknown;
}

/** By the reply codes of AMQP 0-9-1 (1.9): the library has them in its texts alone. */
async function failureOf(
  lent: AmqpLent,
  { address, account, error }: Failed,
  signal: AbortSignal,
): Promise<Error> {
  const place = placeOf(address);
  const text = error instanceof Error ? error.message : '';
  if (/ACCESS.REFUSED/.test(text)) {
    return new DisableError(`${place} refused the sign-in (${account.who}). ${account.remedy}.`);
  }
  if (/NOT.ALLOWED|Expected ConnectionOpenOk/.test(text)) {
    return new DisableError(
      `${place} has no virtual host ${lent.settings.vhost} for us (${account.who}). Correct vhost, or have the account permitted there.`,
    );
  }
  if (/ETIMEDOUT/.test(text) && (error as { code?: unknown }).code === undefined) {
    return new NotConnectedError(
      `${place} did not finish the sign-in within ${lent.settings.connectTimeout / 1_000} s. Check that an AMQP broker listens on this port.`,
    );
  }
  if ((error as { code?: unknown }).code !== undefined) return notConnected(error, place);
  const { tls, connectTimeout: timeout } = lent.settings;
  const first = await firstBytes(lent, { address, tls, timeout }, signal);
  if (first instanceof Error) return first;
  return new NotConnectedError(
    first.toString('latin1', 0, 4) === 'AMQP'
      ? `Not connected: ${place} broke off while we signed in (${account.who}). ${account.remedy}; look at the log of the broker.`
      : `Not connected: ${place} does not speak AMQP. Correct the host or the port: mostly 5672, with TLS 5671.`,
  );
}
