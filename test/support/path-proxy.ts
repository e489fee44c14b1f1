import { request as ask, createServer } from 'node:http';
import { listening } from './tcp-server.ts';

/** A proxy that serves one console at several paths, as two productions at one address; 502 while it is away. */
export async function pathProxy(
  port: number,
  ...paths: readonly string[]
): ReturnType<typeof listening> {
  const server = createServer((request, response) => {
    const { method, headers, url = '' } = request;
    const path = paths.find((one) => url.startsWith(one));
    if (path === undefined) return void response.writeHead(404).end();
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
    response.on('close', () => onward.destroy());
    return void request.pipe(onward);
  });
  return listening(server);
}
