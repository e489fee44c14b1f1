import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import {
  DisableError,
  type Lent,
  NotConnectedError,
  type setting,
  timerTime,
} from 'waybill/adapter';
import { notConnected } from 'waybill/peer/basics';
import { type HttpAnswer, HttpClient, placeOfUrl, type Upgraded } from 'waybill/peer/http';
import { UNLIMITED } from 'waybill/peer/tcp';
import { WebSocket } from 'ws';
import { LiveSocket } from './live-socket.ts';
import { type CallingValues, clientValues, type SocketLimits } from './socket-settings.ts';

type CallingLent = Pick<Lent<setting.Settings>, 'credential' | 'connection' | 'signal'>;

interface Calling {
  readonly calling: CallingValues;
  readonly limits: SocketLimits;
  readonly signal: AbortSignal;
}

/** A refused handshake explains itself with less. */
const MOST_SAID = 65_536;

/** Milliseconds for a peer to answer our goodbye; the types of the library do not have it yet. */
export const CLOSING = { closeTimeout: 1_000 };

/** Connects, signs in and sends the greeting. Throws NotConnectedError, and DisableError where only a person can help. */
export async function callPeer(lent: CallingLent, call: Calling): Promise<LiveSocket> {
  const { calling, signal } = call;
  const url = asHttp(calling.url);
  const client = await HttpClient.open(lent, clientValues(calling));
  try {
    const result = await client.upgrade({ url, signal }, (wire, signed) =>
      shaken(wire, signed, call),
    );
    if (!('opened' in result)) throw refused(result.answer, url);
    const live = result.opened;
    for (const text of calling.greeting) await live.send(Buffer.from(text), true);
    return live;
  } finally {
    await client.close();
  }
}

/** The same place for a web client. */
export const asHttp = (url: URL): URL => new URL(url.href.replace(/^ws/, 'http'));

async function shaken(
  wire: Socket,
  { url, headers }: { readonly url: URL; readonly headers: Readonly<Record<string, string>> },
  { calling, limits, signal }: Calling,
): Promise<Upgraded<LiveSocket>> {
  const place = placeOfUrl(url);
  const socket = new WebSocket(url.href.replace(/^http/, 'ws'), [...limits.subprotocols], {
    createConnection: () => wire,
    headers,
    perMessageDeflate: limits.compress,
    maxPayload: limits.limit,
    ...CLOSING,
  });
  const { promise, resolve, reject } = Promise.withResolvers<Upgraded<LiveSocket>>();
  const abort = (): void => {
    socket.terminate();
    reject(signal.reason);
  };
  signal.addEventListener('abort', abort, { once: true });
  // the library's own limit does not hold for a connection that stands already
  const late = setTimeout(
    () =>
      reject(
        new NotConnectedError(
          `Not connected: ${place} did not answer the request for a WebSocket within ${calling.connectTimeout} ms. Check the address, or raise connectTimeout.`,
        ),
      ),
    timerTime(calling.connectTimeout),
  );
  socket.on('error', (error) => reject(misunderstood(error, place)));
  socket.once('open', () =>
    resolve({ opened: new LiveSocket(socket, wire, { place, limits, share: UNLIMITED }) }),
  );
  socket.once('unexpected-response', (_, response: IncomingMessage) => {
    const read = async (): Promise<void> => {
      resolve({ answer: await answerOf(response, url) });
      wire.destroy();
    };
    read().catch(reject);
  });
  try {
    return await promise;
  } catch (error) {
    wire.destroy();
    throw error;
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', abort);
  }
}

async function answerOf(response: IncomingMessage, url: URL): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MOST_SAID) break;
  }
  const headers = Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
  );
  return { status: response.statusCode ?? 0, headers, body: Buffer.concat(chunks), url };
}

/** What the library says of a handshake: its own faults have no code. */
function misunderstood(error: Error, place: string): Error {
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && !code.startsWith('HPE_') && !code.startsWith('WS_')) {
    return notConnected(error, place);
  }
  return new NotConnectedError(
    `Not connected: ${place} does not agree to a WebSocket (${error.message.replaceAll(/\p{Cc}/gu, ' ').slice(0, 120)}). Check the address and the subprotocols.`,
  );
}

function refused(answer: HttpAnswer, url: URL): Error {
  const place = placeOfUrl(url);
  const { status } = answer;
  if (status === 401 || status === 403) {
    return new DisableError(
      `${place} refused the sign-in (${status}). Check credential and signIn, and whether the account may open this WebSocket.`,
    );
  }
  return new NotConnectedError(
    `Not connected: ${place} ${REFUSED[status] ?? 'does not agree to a WebSocket'} (${status}). ${remedyOf(status)}.`,
  );
}

const REFUSED: Readonly<Record<number, string>> = {
  404: 'has nothing at this address',
  410: 'has nothing at this address',
  429: 'has too many connections or requests',
  503: 'is overloaded or stops',
};

function remedyOf(status: number): string {
  if (status >= 300 && status < 400) return 'It redirects: write the address where it leads to';
  if (status === 404 || status === 410) return 'Correct the path of url';
  if (status === 407) return 'Set proxyCredential';
  if (status === 429 || status >= 500) return 'It is tried again; look at the log of the peer';
  return 'Check the path of url and the subprotocols; a proxy between us may not let WebSockets through';
}
