import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../log/logger.ts';
import type { ListenAddress } from './address.ts';
import type { RunningProduction } from './run-production.ts';

export interface FiguresServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves what machines ask of an engine: `/metrics` for Prometheus, `/health/live` and
 * `/health/ready` for a supervisor or balancer, `/.well-known/jwks.json` for authorization servers. A port that is taken costs the figures, not the production.
 */
export async function serveFigures(
  { host, port }: ListenAddress,
  running: RunningProduction,
  log: Logger,
): Promise<FiguresServer | undefined> {
  const server = createServer((request, response) => {
    answer(running, request, response).catch(() => response.writeHead(500).end());
  });
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    log.warn({ event: 'figures-unavailable', host, port, err: error }, 'figures-unavailable');
    return undefined;
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answer(
  { metrics, broker, credentials }: RunningProduction,
  { url, method }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const send = (status: number, text: string, type = 'text/plain; charset=utf-8'): void => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
  };
  if (method !== 'GET') return send(405, 'only GET\n');
  const { pathname } = new URL(url ?? '/', 'http://localhost');
  if (pathname === '/metrics') return send(200, await metrics.text(), metrics.contentType);
  if (pathname === '/.well-known/jwks.json') {
    return send(200, JSON.stringify(await credentials.jwksDocument()), 'application/jwk-set+json');
  }
  if (pathname === '/health/live') return send(200, 'alive\n');
  if (pathname !== '/health/ready') return send(404, 'not found\n');
  const ready = await broker.connection.rtt().then(
    () => true,
    () => false,
  );
  return send(ready ? 200 : 503, ready ? 'ready\n' : 'NATS is not reachable\n');
}
