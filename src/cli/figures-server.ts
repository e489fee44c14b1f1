import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isAway } from '../broker/away.ts';
import type { Credentials } from '../credential/credentials.ts';
import { isTold, tolerate } from '../error/foreseen.ts';
import type { Logger } from '../log/logger.ts';
import type { Metrics } from '../log/metrics.ts';
import { Deadline } from '../time/deadline.ts';
import { createServer, type ServerResponse } from '../time/node-http.ts';
import type { ListenAddress } from './address.ts';
import type { RunningProduction } from './run-production.ts';

export interface FiguresServer {
  readonly port: number;
  close(): Promise<void>;
}

/** What machines may know about this process. */
export interface Figures {
  readonly metrics?: Pick<Metrics, 'text' | 'contentType'>;
  readonly credentials?: Pick<Credentials, 'jwksDocument'>;
  /** Why it is not ready; undefined if it is. */
  readonly unready: () => Promise<string | undefined>;
}

/** Milliseconds within which NATS has to answer: whoever asks waits a few seconds. */
const ANSWERING = 2_000;

/** The public keys of an engine. */
export function engineFigures({ metrics, broker, credentials }: RunningProduction): Figures {
  return {
    metrics,
    credentials,
    async unready() {
      const asked = broker.connection.rtt();
      const answers = await new Deadline(ANSWERING).within('asking NATS', asked, isAway);
      return answers ? undefined : 'NATS is not reachable';
    },
  };
}

/**
 * Serves what machines ask an engine or an operator plane for: `/metrics` for Prometheus,
 * `/health/live` and `/health/ready` for a supervisor or balancer, `/.well-known/jwks.json` for
 * authorization servers. If the port is taken, the figures are missing, but the production runs.
 */
export async function serveFigures(
  { host, port }: ListenAddress,
  figures: Figures,
  log: Logger,
): Promise<FiguresServer | undefined> {
  const server = createServer((request, response) => {
    answer(figures, request, response).catch((error: unknown) => {
      tolerate(error, isTold, 'serving figures');
      response.writeHead(500).end();
    });
  });
  // a scraper and a balancer need only a few: nobody else should keep this process busy
  server.maxConnections = 100;
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
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
  { metrics, unready, credentials }: Figures,
  { url, method }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const send = (status: number, text: string, type = 'text/plain; charset=utf-8'): void => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
  };
  // balancers ask by HEAD; Node leaves the body out
  if (method !== 'GET' && method !== 'HEAD') return send(405, 'only GET and HEAD\n');
  const { pathname } = new URL(url ?? '/', 'http://localhost');
  if (pathname === '/metrics' && metrics !== undefined) {
    return send(200, await metrics.text(), metrics.contentType);
  }
  if (pathname === '/.well-known/jwks.json' && credentials !== undefined) {
    return send(200, JSON.stringify(await credentials.jwksDocument()), 'application/jwk-set+json');
  }
  if (pathname === '/health/live') return send(200, 'alive\n');
  if (pathname !== '/health/ready') return send(404, 'not found\n');
  const why = await unready();
  return send(why === undefined ? 200 : 503, `${why ?? 'ready'}\n`);
}
