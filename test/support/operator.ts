import { join } from 'node:path';
import { freePort } from '../../sandbox/free-port.ts';
import type { NatsAccess } from '../../src/broker/embedded/nats-server.ts';
import { type RunningProduction, runProduction } from '../../src/cli/run-production.ts';
import { type Logger, silentLogger } from '../../src/log/logger.ts';
import type { ConsoleOptions } from '../../src/plane/console.ts';
import { type OperatorPlane, startOperator } from '../../src/plane/operator-plane.ts';
import { wayTo } from './as-administrator.ts';
import { type MllpReceiver, mllpReceiver, sendUntilAcknowledged } from './mllp-peers.ts';
import { type ProductionFolder, productionFolder } from './production.ts';

/** A production that really runs, with its operator plane and API, and peers on both sides. */
export interface Operated extends AsyncDisposable {
  readonly folder: ProductionFolder;
  readonly running: RunningProduction;
  readonly plane: OperatorPlane;
  readonly receiver: MllpReceiver;
  readonly url: string;
  /** Sends an ADT message and waits for its acknowledgement. */
  send(
    controlId: string,
    change?: { readonly mrn?: string; readonly name?: string },
  ): Promise<void>;
  /** Asks the API; the answer's JSON. */
  ask<Answer = unknown>(method: string, path: string, body?: unknown): Promise<Asked<Answer>>;
}

export interface Asked<Answer> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Answer;
}

export interface OperatedOptions {
  readonly production?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly console?: Partial<ConsoleOptions>;
  /** A server that several productions share, instead of an embedded one. */
  readonly nats?: NatsAccess;
  /** A PostgreSQL for the trace, instead of the embedded store. */
  readonly trace?: string;
  readonly answer?: Parameters<typeof mllpReceiver>[0];
  /** false: there is no user, and requests are not signed in automatically. */
  readonly administrator?: boolean;
  /** The log of both planes; they are silent without it. */
  readonly log?: Logger;
}

export const WARD = `production: ward
title: A ward
settings:
  search: { mrn: PID-3.1 }
  shutdownTimeout: 1s
services:
  hl7-in:
    title: From admission
    adapter: mllp-in
    tags: [adt]
    settings: { listen: '\${env:LISTEN}' }
    to: hl7-out
operations:
  hl7-out:
    adapter: mllp-out
    settings: { connect: '\${env:CONNECT}' }
`;

export function adt(controlId: string, mrn = '4711', name = 'Doe^John'): string {
  return [
    `MSH|^~\\&|ADT|HOSP|WARD|HOSP|20260101120000||ADT^A01^ADT_A01|${controlId}|P|2.5.1`,
    'EVN|A01|20260101120000',
    `PID|1||${mrn}^^^HOSP^MR||${name}||19700101|M`,
    'PV1|1|I|W1^101^1',
    '',
  ].join('\r');
}

export async function operated(options: OperatedOptions = {}): Promise<Operated> {
  const { log = silentLogger } = options;
  const receiver = await mllpReceiver(options.answer);
  const folder = await productionFolder({
    'production.yaml': options.production ?? WARD,
    ...options.files,
  });
  const data = join(folder.path, 'data');
  const listen = await freePort();
  const running = await runProduction({
    folder: folder.path,
    data,
    nats: options.nats,
    durability: 'process-crash',
    log,
    environment: {
      LISTEN: `127.0.0.1:${listen}`,
      CONNECT: `127.0.0.1:${receiver.port}`,
      SPARE: `127.0.0.1:${await freePort()}`,
    },
  });
  const { definition } = running;
  const plane = await startOperator({
    access: running.access,
    trace: options.trace,
    production: definition.name,
    data,
    search: definition.settings.search,
    keep: definition.settings.keep,
    log,
    console: { host: '127.0.0.1', port: 0, ...options.console },
  });
  const way = await wayTo(plane, {
    data,
    wanted: isAdministrator(options),
    shared: sharedBy(options, definition.name),
  });
  const { url } = way;
  return {
    folder,
    running,
    plane,
    receiver,
    url,
    send: (controlId, { mrn, name } = {}) =>
      sendUntilAcknowledged(listen, [adt(controlId, mrn, name)], () => undefined),
    ask: (method, path, body) => ask(url, { method, path, body }),
    async [Symbol.asyncDispose]() {
      await way[Symbol.asyncDispose]();
      await plane.stop();
      await running.stop();
      await receiver[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const isAdministrator = ({ administrator, console = {} }: OperatedOptions): boolean =>
  administrator ?? (console.signIn === undefined && console.tls === undefined);

const sharedBy = ({ trace: url }: OperatedOptions, production: string) =>
  url === undefined ? undefined : { url, production };

async function ask<Answer>(
  url: string,
  { method, path, body }: { method: string; path: string; body: unknown },
): Promise<Asked<Answer>> {
  const response = await fetch(new URL(path, url), {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.text();
  const json = /^application\/(?:problem\+)?json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body: (json ? JSON.parse(text) : text) as Answer,
  };
}
