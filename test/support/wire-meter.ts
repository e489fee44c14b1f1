import { request as ask, createServer } from 'node:http';
import { listening } from './tcp-server.ts';

/** A proxy in front of a console that counts what a browser asks for and gets, whichever of its threads asks. */
export interface WireMeter extends AsyncDisposable {
  readonly url: string;
  /** Bytes of the first answer at each path, heads included; of one that does not end, what came so far. */
  cost(): ReadonlyMap<string, number>;
  /** How many answers are open. */
  open(path?: string): number;
  /** Forgets what was counted. */
  reset(): void;
}

/** @param upstream the console's address, without a slash at the end */
export async function wireMeter(upstream: string): Promise<WireMeter> {
  const { hostname, port } = new URL(upstream);
  const counted = new Map<string, () => number>();
  const pending = new Map<object, string>();
  const server = createServer((request, response) => {
    const { method, headers, url = '' } = request;
    const path = url.split('?')[0] ?? '';
    const { socket } = request;
    const before = socket.bytesWritten;
    let end: number | undefined;
    const bytes = (): number => (end ?? socket.bytesWritten) - before;
    if (!counted.has(path)) counted.set(path, bytes);
    pending.set(response, path);
    const onward = ask({ hostname, port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
      response.flushHeaders();
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => {
      end = socket.bytesWritten;
      pending.delete(response);
      onward.destroy();
    });
    request.pipe(onward);
  });
  const proxy = await listening(server);
  return {
    url: `http://127.0.0.1:${proxy.port}`,
    cost: () => new Map([...counted].map(([path, bytes]) => [path, bytes()])),
    open: (path) =>
      [...pending.values()].filter((one) => path === undefined || one === path).length,
    reset: () => counted.clear(),
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}
