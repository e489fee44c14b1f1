import type { Duplex } from 'node:stream';
import { Agent, buildConnector, Client, type Dispatcher, ProxyAgent } from 'undici';
import { DisableError } from '../../error/adapter-error.ts';
import type { Lent } from '../adapter.ts';
import type { Settings } from '../setting.ts';
import { clientTls } from '../tls/client-tls.ts';
import type { HttpClientValues } from './http-client-settings.ts';

type Lending = Pick<Lent<Settings>, 'credential'>;

/** Opens connections as the settings say. The files of `tls` are read for each, so that a renewed certificate is shown from the next one on. */
function connector(lent: Lending, values: HttpClientValues): buildConnector.connector {
  const { connectTimeout: timeout } = values;
  const fixed = { timeout, allowH2: false, keepAlive: true, noDelay: true };
  const connect = async (
    options: buildConnector.Options,
    callback: buildConnector.Callback,
  ): Promise<void> => {
    try {
      const tls = await clientTls(lent, values.tls, options.hostname);
      buildConnector({ ...tls, ...fixed } as buildConnector.BuildOptions)(options, callback);
    } catch (error) {
      callback(error instanceof Error ? error : new Error('tls', { cause: error }), null);
    }
  };
  return (options, callback) => void connect(options, callback);
}

function limitsOf({ timeout, stayConnected }: HttpClientValues): Client.Options {
  // Undici knows no 0: a connection that is to be closed at once is asked to by a header.
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
export async function transport(lent: Lending, values: HttpClientValues): Promise<Dispatcher> {
  const { proxy, connections } = values;
  if (proxy === undefined) {
    return new Agent({ ...limitsOf(values), connections, connect: connector(lent, values) });
  }
  const tls = await clientTls(lent, values.tls, '');
  const { servername: _, checkServerIdentity: check, ...requestTls } = tls;
  return new ProxyAgent({
    ...limitsOf(values),
    connections,
    uri: proxy.href,
    token: await proxyToken(lent, values),
    requestTls: {
      ...requestTls,
      timeout: values.connectTimeout,
      ...(check !== undefined && values.tls?.serverName !== undefined
        ? { servername: values.tls.serverName, checkServerIdentity: check }
        : {}),
    } as buildConnector.BuildOptions,
    proxyTls: { timeout: values.connectTimeout },
  });
}

async function proxyToken(lent: Lending, { proxyCredential }: HttpClientValues): Promise<string> {
  if (proxyCredential === undefined) return '';
  const credential = await lent.credential(proxyCredential);
  if (credential.kind !== 'basic') {
    throw new DisableError('proxyCredential must be a credential of kind basic.');
  }
  return `Basic ${Buffer.from(`${credential.user}:${credential.password}`).toString('base64')}`;
}

/** One connection of its own, for a sign-in that belongs to the connection. `opened` is called with each new socket. */
export function pinned(
  lent: Lending,
  values: HttpClientValues,
  { origin, opened }: { readonly origin: string; readonly opened: (socket: Duplex) => void },
): Client {
  const connect = connector(lent, values);
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
