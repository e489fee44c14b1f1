import type { Names } from '../broker/names.ts';
import { ensureProjector, ensureStream, ensureWorker, reclaimWorker } from '../broker/streams.ts';
import type { Definition, OperationDefinition, ProcessDefinition } from './definition.ts';
import type { Engine } from './engine.ts';
import { isLine, queueLines } from './wiring.ts';

/** One stream of a queue. */
interface Line {
  readonly stream: string;
  readonly subject: string;
  readonly pool: number;
  /** A strict line, whose consumer is made by the engine that takes it over. */
  readonly line: boolean;
}

/** Makes the streams and consumers of every queue, or brings them up to date. `running`: the streams this engine works on. */
export async function makeQueues(
  engine: Engine,
  definition: Definition,
  running: readonly string[],
): Promise<void> {
  const { broker, sole } = engine;
  const { queueLimit, duplicateWindow } = definition.settings;
  const lines = queued(definition).flatMap((of) => linesOf(broker.names, of));
  await Promise.all(
    lines.map(async ({ stream, subject, pool, line }) => {
      await ensureStream(broker, stream, [subject], { duplicateWindow, limit: queueLimit });
      await ensureProjector(broker, stream);
      if (line) return;
      if (sole && !running.includes(stream)) await reclaimWorker(broker, stream, pool);
      await ensureWorker(broker, stream, pool);
    }),
  );
}

/** The streams of every queue of the production, or of one host's. */
export function queueStreams(names: Names, definition: Definition, host?: string): string[] {
  return queued(definition)
    .filter(({ name }) => host === undefined || name === host)
    .flatMap((of) => linesOf(names, of).map(({ stream }) => stream));
}

function linesOf(names: Names, of: ProcessDefinition | OperationDefinition): Line[] {
  return queueLines(of.order, of.pool).map(({ partition, pool }) => ({
    ...names.queue(of.name, partition),
    pool,
    line: of.kind === 'operation' && isLine(of),
  }));
}

function queued({
  operations,
  processes,
}: Definition): (ProcessDefinition | OperationDefinition)[] {
  return [...operations.values(), ...[...processes.values()].filter(({ run }) => run === 'queued')];
}
