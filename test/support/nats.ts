import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Durability,
  type NatsServer,
  startNatsServer,
} from '../../src/broker/embedded/nats-server.ts';

/**
 * A real nats-server in its own folder; ended and removed at the end of the scope.
 *
 * @param folder one that is there already and is left to its owner
 */
export async function startNats(
  durability: Durability = 'process-crash',
  folder?: string,
): Promise<NatsServer & { data: string }> {
  const data = folder ?? (await mkdtemp(join(tmpdir(), 'waybill-nats-')));
  const server = await startNatsServer({ data, durability });
  const stop = async (): Promise<void> => {
    await server.stop();
    if (folder === undefined) await rm(data, { recursive: true, force: true });
  };
  return {
    url: server.url,
    user: server.user,
    password: server.password,
    get pid() {
      return server.pid;
    },
    data,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
