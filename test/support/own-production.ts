import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { NatsAccess } from '../../src/broker/embedded/nats-server.ts';
import type { Definition } from '../../src/definition/definition.ts';
import { startNats } from './nats.ts';
import { type Running, run } from './running.ts';

/** A production of a name that no other test of the file has, and its folder. */
export interface OwnProduction extends NatsAccess {
  readonly production: string;
  readonly data: string;
}

/**
 * Gives each test a production of its own on the one server of the file: to start a server costs more processor time than
 * most tests ask of it. Not for what stops the server or touches its files.
 */
export function ownProductions(): () => Promise<OwnProduction> {
  let server: Awaited<ReturnType<typeof startNats>> | undefined;
  let count = 0;
  beforeAll(async () => {
    server = await startNats();
  });
  afterAll(() => server?.stop());
  return async () => {
    if (server === undefined) throw new Error('the server of a file runs only while its tests do');
    const { url, user, password } = server;
    const production = `own-${++count}`;
    const data = join(server.data, production);
    await mkdir(data);
    return { url, user, password, production, data };
  };
}

/** Runs a definition under the name of this production. */
export const runOwn = (own: OwnProduction, definition: Definition): Promise<Running> =>
  run(own, { ...definition, name: own.production });
