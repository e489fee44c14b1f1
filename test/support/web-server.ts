import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A received request, read to its end. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** The client's port, which identifies the connection. */
  readonly connection: number;
}

/** The answer; undefined leaves the request unanswered. */
export interface Answered {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
}

export type Answering = (
  request: SeenRequest,
) => Answered | undefined | Promise<Answered | undefined>;

/** A test's web server: answers as told and remembers the requests. */
export interface WebServer extends AsyncDisposable {
  /** `http://localhost:port` */
  readonly url: string;
  readonly port: number;
  readonly requests: SeenRequest[];
  /** Sets the answer from now on. */
  answer(by: Answering): void;
  /** Closes the port and every connection. */
  stop(): Promise<void>;
  /** Listens on the same port again. */
  start(): Promise<void>;
}

export interface WebServerOptions {
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
}

export async function webServer(
  by: Answering = () => ({}),
  { tls }: WebServerOptions = {},
): Promise<WebServer> {
  let answering = by;
  let port = 0;
  let server: Server | undefined;
  const requests: SeenRequest[] = [];

  const serve: RequestListener = (request, response) => {
    const reply = async (): Promise<void> => {
      const seen: SeenRequest = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        connection: request.socket.remotePort ?? 0,
        body: await buffer(request),
      };
      requests.push(seen);
      const answer = await answering(seen);
      if (answer === undefined) return;
      response.writeHead(answer.status ?? 200, { 'content-type': 'text/plain', ...answer.headers });
      response.end(answer.body);
    };
    // A client that disconnected is gone.
    reply().catch(() => response.destroy());
  };
  const start = async (): Promise<void> => {
    const secure = tls && { ...tls, requestCert: tls.ca !== undefined, rejectUnauthorized: true };
    server = secure === undefined ? createServer(serve) : createSecureServer(secure, serve);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  };
  const stop = async (): Promise<void> => {
    const stopping = server;
    server = undefined;
    if (stopping === undefined) return;
    const closed = once(stopping, 'close');
    stopping.close();
    stopping.closeAllConnections();
    await closed;
  };
  await start();
  return {
    get url() {
      return `${tls === undefined ? 'http' : 'https'}://localhost:${port}`;
    },
    get port() {
      return port;
    },
    requests,
    answer: (next) => {
      answering = next;
    },
    start,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
