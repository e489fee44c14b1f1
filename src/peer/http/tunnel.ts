import type { ClientRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Lent } from '../../adapter/adapter.ts';
import type { Settings } from '../../adapter/setting.ts';
import { DisableError, NotConnectedError } from '../../error/adapter-error.ts';
import { request as plainRequest } from '../../time/node-http.ts';
import { notConnected } from '../dial.ts';
import { coded } from '../tls/coded.ts';
import type { HttpClientValues } from './http-client-settings.ts';
import { placeOfUrl } from './http-exchange.ts';

type Lending = Pick<Lent<Settings>, 'credential'>;
type Through = Pick<HttpClientValues, 'proxyCredential' | 'connectTimeout'> & {
  readonly proxy: URL;
};

/**
 * Has the proxy connect us to `target` (`host:port`) by CONNECT: what is written to the socket from
 * then on reaches the target. Throws a NotConnectedError that names the proxy and its answer.
 */
export async function tunnel(lent: Lending, through: Through, target: string): Promise<Socket> {
  const { proxy, connectTimeout } = through;
  const authorization = await proxyAuthorization(lent, through);
  const asking = (proxy.protocol === 'https:' ? secureRequest : plainRequest)({
    host: proxy.hostname.replaceAll(/^\[|\]$/g, ''),
    port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
    method: 'CONNECT',
    path: target,
    headers: {
      host: target,
      ...(authorization !== undefined && { 'proxy-authorization': authorization }),
    },
    // A separate connection, which then belongs to the tunnel.
    agent: false,
  });
  const limit = setTimeout(
    () => asking.destroy(coded('ETIMEDOUT', undefined)),
    Math.min(connectTimeout, 2 ** 31 - 1),
  );
  try {
    const { status, socket } = await connected(asking);
    if (status >= 200 && status < 300) return socket.setNoDelay(true).setKeepAlive(true, 30_000);
    socket.destroy();
    throw proxyRefusal(status, proxy, target);
  } catch (error) {
    throw error instanceof NotConnectedError ? error : notConnected(error, placeOfUrl(proxy));
  } finally {
    clearTimeout(limit);
  }
}

function connected(
  asking: ClientRequest,
): Promise<{ readonly status: number; readonly socket: Socket }> {
  return new Promise((resolve, reject) => {
    asking.on('error', reject);
    asking.on('connect', ({ statusCode: status = 0 }, socket: Socket, head) => {
      socket.on('error', () => undefined);
      if (head.length > 0) socket.unshift(head);
      resolve({ status, socket });
    });
    asking.end();
  });
}

/** The header for the proxy's sign-in; undefined if there is none. */
export async function proxyAuthorization(
  lent: Lending,
  { proxyCredential, proxy }: Pick<HttpClientValues, 'proxyCredential' | 'proxy'>,
): Promise<string | undefined> {
  if (proxyCredential === undefined) {
    const { username = '', password = '' } = proxy ?? {};
    return username === '' ? undefined : basic(unescaped(username), unescaped(password));
  }
  const credential = await lent.credential(proxyCredential);
  if (credential.kind !== 'basic') {
    throw new DisableError('proxyCredential must be a credential of kind basic.');
  }
  return basic(credential.user, credential.password);
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** As it was before it was encoded into an address. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // URIError: a stray %
    return text;
  }
}

/** The error for a proxy that answered itself. */
export function proxyRefusal(status: number, proxy: URL, place: string): NotConnectedError {
  return new NotConnectedError(
    `Not connected: the proxy ${placeOfUrl(proxy)} answered ${status} when asked for ${place}. ${proxyRemedy(status)}.`,
  );
}

function proxyRemedy(status: number): string {
  if (status === 407) return 'It wants a sign-in: check proxyCredential';
  return status >= 500
    ? 'It cannot reach that address: check the address and the log of the proxy'
    : 'Have the proxy allow that address';
}
