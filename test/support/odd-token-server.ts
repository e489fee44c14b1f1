import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { httpsListener } from '../../sandbox/https-listener.ts';

export interface OddAsked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string;
  readonly form: URLSearchParams;
}

export interface OddTokenServer extends AsyncDisposable {
  readonly url: string;
  readonly ca: string;
  readonly asked: readonly OddAsked[];
  /** Connections that are open now. */
  connections(): Promise<number>;
}

/** A server that answers like a home-made token server; `behave` says how. */
export async function oddTokenServer(
  behave: (asked: OddAsked, response: ServerResponse) => void,
): Promise<OddTokenServer> {
  const listener = await httpsListener({ authority: 'Odd' });
  const asked: OddAsked[] = [];
  listener.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const serve = async (): Promise<void> => {
      const one = {
        method: request.method ?? '',
        path: request.url ?? '',
        authorization: request.headers.authorization ?? '',
        form: new URLSearchParams(await text(request)),
      };
      asked.push(one);
      behave(one, response);
    };
    serve().catch(() => response.destroy());
  });
  return {
    url: listener.url,
    ca: listener.authority.certificate,
    asked,
    connections: () => promisify(listener.server.getConnections.bind(listener.server))(),
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

/** Answers with JSON, or with unchanged text. */
export function reply(
  response: ServerResponse,
  status: number,
  body: object | string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const isText = typeof body === 'string';
  response.writeHead(status, {
    'content-type': isText ? 'text/plain' : 'application/json',
    ...headers,
  });
  response.end(isText ? body : JSON.stringify(body));
}
