import { JetStreamApiError, type StreamConfig } from '@nats-io/jetstream';
import { EngineError } from '../error/engine-error.ts';
import { describeSize } from '../time/size.ts';
import type { Broker } from './broker.ts';
import { patiently } from './patiently.ts';

/** Creates a stream, or updates the one with that name, as soon as the server's cluster is ready. */
export async function makeStream(
  manager: Broker['manager'],
  wanted: Partial<StreamConfig> & Pick<StreamConfig, 'name' | 'max_bytes'>,
): Promise<void> {
  const { name, max_bytes: limit } = wanted;
  await patiently(`the stream ${name}`, async () => {
    try {
      await manager.streams.add(wanted);
    } catch (error) {
      // the server counts the room of one that is there a second time before it looks whether it is the same
      if (!isRefused(error, EXISTS, NO_ROOM)) throw error;
      const there = await configOf(manager, name);
      if (there === undefined) throw noRoom(name, limit);
      const metadata = { ...there.metadata, ...wanted.metadata };
      // while a server of the cluster is away it is not counted: its copies must not be given up for that
      const replicas = Math.max(there.num_replicas, wanted.num_replicas ?? 1);
      await manager.streams
        .update(name, { ...wanted, metadata, num_replicas: replicas })
        .catch((refused: unknown) => {
          throw isRefused(refused, NO_ROOM) ? noRoom(name, limit) : refused;
        });
    }
  });
}

/** The server's codes: a stream of that name has other settings; no storage left to reserve. */
const EXISTS = 10_058;
const NO_ROOM = 10_047;
const NOT_FOUND = 10_059;

const isRefused = (error: unknown, ...codes: readonly number[]): boolean =>
  error instanceof JetStreamApiError && codes.includes(error.code);

/** Undefined if there is no such stream. */
async function configOf(
  manager: Broker['manager'],
  name: string,
): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(name)).config;
  } catch (error) {
    if (isRefused(error, NOT_FOUND)) return undefined;
    throw error;
  }
}

function noRoom(stream: string, limit: number): EngineError {
  return new EngineError(
    'BROKER_UNAVAILABLE',
    `NATS has no space to reserve ${describeSize(limit)} for the stream ${stream}; raise max_file_store in its jetstream block, or lower settings.queueLimit`,
  );
}
