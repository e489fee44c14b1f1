import { request as ask, createServer, type ServerResponse } from 'node:http';
import { listening } from './tcp-server.ts';

export interface PathProxy extends AsyncDisposable {
  readonly port: number;
  /** Whether it finds nobody behind it, as while the console is away; what is open then breaks off. */
  away(isAway: boolean): void;
}

/** A proxy that serves one console at several paths, as two productions at one address; 502 while it is away. */
export async function pathProxy(port: number, ...paths: readonly string[]): Promise<PathProxy> {
  const open = new Set<ServerResponse>();
  let isNobody = false;
  const server = createServer((request, response) => {
    const { method, headers, url = '' } = request;
    const path = paths.find((one) => url.startsWith(one));
    if (path === undefined) return void response.writeHead(404).end();
    if (isNobody) return void response.writeHead(502).end('away');
    open.add(response);
    const onward = ask(
      {
        port,
        method,
        path: url.slice(path.length - 1),
        headers: { ...headers, 'x-forwarded-prefix': path.slice(0, -1) },
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
        answer.pipe(response);
      },
    );
    onward.on('error', () =>
      response.headersSent ? response.destroy() : response.writeHead(502).end('away'),
    );
    response.on('close', () => {
      open.delete(response);
      onward.destroy();
    });
    return void request.pipe(onward);
  });
  const listener = await listening(server);
  return {
    port: listener.port,
    away(isAway) {
      isNobody = isAway;
      if (isAway) for (const response of open) response.destroy();
    },
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}
