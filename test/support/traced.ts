import { connectBroker } from '../../src/broker/broker.ts';
import type { NatsAccess } from '../../src/broker/embedded/nats-server.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { type Projector, startProjector } from '../../src/trace/projector.ts';
import { sqliteTraceStore } from '../../src/trace/store/sqlite/trace-store.ts';
import { streamSource } from '../../src/trace/stream-source.ts';
import type { TraceStore } from '../../src/trace/trace-store.ts';

export interface Traced extends AsyncDisposable {
  readonly store: TraceStore;
  readonly projector: Projector;
}

export interface TracedOptions {
  readonly folder: string;
  readonly production: string;
  readonly search?: ReadonlyMap<string, string>;
  readonly reconcileEvery?: number;
}

/** Builds the trace of a running production in a folder, without the rest of the operator plane. */
export async function traced(nats: NatsAccess, options: TracedOptions): Promise<Traced> {
  const { folder, production, search = new Map(), reconcileEvery } = options;
  const broker = await connectBroker({ ...nats, production, role: 'operator' });
  const store = sqliteTraceStore({ folder });
  const projector = startProjector({
    source: streamSource(broker, search),
    store,
    log: silentLogger,
    reconcileEvery,
    retry: { every: 20, for: Number.POSITIVE_INFINITY, backoff: 1, max: 20 },
  });
  return {
    store,
    projector,
    async [Symbol.asyncDispose]() {
      await projector.stop();
      await store.close();
      await broker.close();
    },
  };
}
