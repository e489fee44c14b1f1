import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Agent, buildConnector, Client, type Dispatcher, Pool, ProxyAgent } from 'undici';
import { placeOf } from '../dial.ts';
import { clientTls } from '../tls/client-tls.ts';
import type { TlsClientLent } from '../tls/tls-files.ts';
import type { HttpClientValues } from './http-client-settings.ts';
import { proxyAuthorization, tunnel } from './tunnel.ts';

type Lending = TlsClientLent;

/** How connections are made. */
export type TransportValues = Pick<
  HttpClientValues,
  | 'tls'
  | 'proxy'
  | 'proxyCredential'
  | 'timeout'
  | 'connectTimeout'
  | 'stayConnected'
  | 'connections'
>;

/** Whether connections to `protocol` are tunnelled: plain http requests can be handed to a proxy directly. */
type Tunnelled = (protocol: string) => boolean;

/**
 * Opens connections as the settings say, also through the proxy. The files of `tls` are read for
 * each, so that a renewed certificate is used from the next one on; the peer's certificate is
 * checked in the same way with and without a proxy.
 */
function connector(
  lent: Lending,
  values: TransportValues,
  isTunnelled: Tunnelled,
): buildConnector.connector {
  const { connectTimeout: timeout, proxy } = values;
  const fixed = { timeout, allowH2: false, keepAlive: true, noDelay: true };
  const connect = async (
    options: buildConnector.Options,
    callback: buildConnector.Callback,
  ): Promise<void> => {
    try {
      const { hostname, protocol } = options;
      const tls = await clientTls(lent, values.tls, hostname);
      const socket =
        proxy !== undefined && isTunnelled(protocol)
          ? await tunnel(lent, { ...values, proxy }, targetOf(options))
          : undefined;
      if (socket !== undefined && protocol === 'http:') return callback(null, socket);
      const open = buildConnector({ ...tls, ...fixed } as buildConnector.BuildOptions);
      open({ ...options, ...(socket && { httpSocket: socket }) }, callback);
    } catch (error) {
      callback(error instanceof Error ? error : new Error('tls', { cause: error }), null);
    }
  };
  return (options, callback) => void connect(options, callback);
}

/** Undici's `host` includes the port if it is not the usual one. */
const targetOf = ({ hostname, port, protocol }: buildConnector.Options): string =>
  placeOf({ host: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) });

function limitsOf({ timeout, stayConnected }: TransportValues): Client.Options {
  // Undici does not accept 0: a header asks for the connection to be closed at once.
  const idle = Math.min(Math.max(stayConnected, 1), 2 ** 31 - 1);
  return {
    headersTimeout: finite(timeout),
    bodyTimeout: finite(timeout),
    keepAliveTimeout: idle,
    keepAliveMaxTimeout: idle,
    pipelining: 1,
    allowH2: false,
  };
}

const finite = (milliseconds: number): number => (Number.isFinite(milliseconds) ? milliseconds : 0);

/** The connections to one peer, through the proxy if there is one. Opens nothing yet. */
export async function transport(lent: Lending, values: TransportValues): Promise<Dispatcher> {
  const { proxy, connections } = values;
  const limits = { ...limitsOf(values), connections };
  const connect = connector(lent, values, (protocol) => protocol === 'https:');
  if (proxy === undefined) return new Agent({ ...limits, connect });
  const token = await proxyAuthorization(lent, values);
  const forwarding = (): Dispatcher =>
    new ProxyAgent({
      ...limits,
      uri: proxy.href,
      ...(token !== undefined && { token }),
      proxyTls: { timeout: values.connectTimeout },
    });
  return new Agent({
    ...limits,
    connect,
    factory: (origin, options) =>
      new URL(origin).protocol === 'http:' ? forwarding() : new Pool(origin, options),
  });
}

/** A separate connection, for a sign-in that belongs to the connection. `opened` is called with each new socket. */
export function pinned(
  lent: Lending,
  values: TransportValues,
  { origin, opened }: { readonly origin: string; readonly opened: (socket: Duplex) => void },
): Client {
  // A proxy that forwards requests may use any connection for each.
  const connect = connector(lent, values, () => true);
  return new Client(origin, {
    ...limitsOf(values),
    connect: (options, callback) =>
      connect(options, (...result) => {
        const [, socket] = result;
        if (socket !== null) opened(socket);
        callback(...result);
      }),
  });
}

/** Opens one connection to the place of `url` (http or https), through the proxy if there is one, without sending anything. */
export function connected(lent: Lending, values: TransportValues, url: URL): Promise<Socket> {
  const { hostname, host, protocol, port } = url;
  const connect = connector(lent, values, () => true);
  return new Promise((resolve, reject) => {
    const place = { hostname: hostname.replaceAll(/^\[|\]$/g, ''), host, protocol, port };
    connect(place, (...result) => {
      const [error, socket] = result;
      if (error === null) resolve(socket);
      else reject(error);
    });
  });
}
