import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bodies } from '../broker/bodies.ts';
import { type Broker, connectBroker } from '../broker/broker.ts';
import type { NatsAccess } from '../broker/nats-server.ts';
import type { Logger } from '../log/logger.ts';
import { keyReader } from '../trace/key-reader.ts';
import { openTraceStore } from '../trace/open-store.ts';
import { startProjector } from '../trace/projector.ts';
import { searchFingerprint } from '../trace/search-fields.ts';
import { type SpanExporter, spanExporter } from '../trace/span-exporter.ts';
import { streamSource } from '../trace/stream-source.ts';
import type { PurgeReport, TraceStore } from '../trace/trace-store.ts';
import { answerQuestions } from './answer-questions.ts';
import type { ApiServer } from './api/api-server.ts';
import { type AuditLog, auditLog } from './audit/audit-log.ts';
import { type ConsoleOptions, type OperatorConsole, startConsole } from './console.ts';

export interface OperatorOptions {
  readonly access: NatsAccess;
  readonly production: string;
  /** The folder of the embedded trace store. */
  readonly data: string;
  /** A PostgreSQL store instead. */
  readonly trace?: string | undefined;
  /** Name → path of what operators search by. */
  readonly search: ReadonlyMap<string, string>;
  /** Milliseconds that settled messages stay. */
  readonly keep: number;
  readonly log: Logger;
  /** Where the API and the console listen; undefined starts none. */
  readonly console?: ConsoleOptions | undefined;
}

export interface OperatorPlane {
  /** Where the console is; undefined if there is none. */
  readonly api: ApiServer | undefined;
  readonly store: TraceStore;
  readonly broker: Broker;
  stop(): Promise<void>;
}

const PURGE_EVERY = 10 * 60_000;

/** Builds the trace from the streams and answers questions about it. Joined to the engines by NATS alone. */
export async function startOperator(options: OperatorOptions): Promise<OperatorPlane> {
  const { log, production } = options;
  const broker = await connectBroker({ ...options.access, production, role: 'operator' });
  const large = await bodies(broker);
  const folder = join(options.data, 'trace');
  await mkdir(folder, { recursive: true });
  const store = await openTraceStore({ production, url: options.trace, folder, bodies: large });
  const spans = spansOf(options);
  let console: OperatorConsole | undefined;
  /** Where orders of the command line are recorded while there is no console. */
  let ownAudit: AuditLog | undefined;
  const projector = startProjector({
    source: streamSource(broker, options.search),
    store,
    log,
    onApplied: (inputs) => {
      spans?.take(inputs);
      console?.applied(inputs);
    },
  });
  const stopping = new AbortController();
  const purgeNow = (): Promise<PurgeReport> =>
    store.purge({
      now: Date.now(),
      keep: options.keep,
      removeBody: (ref) => large.remove(ref),
      signal: stopping.signal,
    });
  // what was traced before the search fields changed is found by the new ones too
  const indexing = store
    .reindex({
      fingerprint: searchFingerprint(options.search),
      keys: keyReader(options.search, Promise.resolve(large)),
      signal: stopping.signal,
    })
    .catch((error: unknown) => {
      if (!stopping.signal.aborted)
        log.error({ event: 'reindex-failed', err: error }, 'reindex-failed');
    });
  const purging = purgeRegularly(purgeNow, log, stopping.signal);
  const servers = answerQuestions(broker, {
    store,
    projector,
    purge: purgeNow,
    audit: () => console?.audit ?? (ownAudit ??= auditLog(options.data)),
  });
  const stop = async (): Promise<void> => {
    stopping.abort();
    for (const server of servers) server.close();
    await console?.stop();
    ownAudit?.[Symbol.dispose]();
    await Promise.all([purging, indexing]);
    await projector.stop();
    await spans?.close();
    await store.close();
    await broker.close();
  };
  try {
    if (options.console !== undefined) {
      console = await startConsole(
        {
          data: options.data,
          broker,
          trace: store,
          bodies: large,
          projector,
          purge: purgeNow,
          keep: options.keep,
          log,
        },
        options.console,
      );
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { api: console?.api, store, broker, stop };
}

/** The collector that OpenTelemetry's own variables name, if any. */
function spansOf({ production, log }: OperatorOptions): SpanExporter | undefined {
  const endpoint = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  if (endpoint === undefined || endpoint === '') return undefined;
  const written = process.env['OTEL_EXPORTER_OTLP_HEADERS'] ?? '';
  const headers = Object.fromEntries(
    written.split(',').flatMap((pair) => {
      const at = pair.indexOf('=');
      return at < 1
        ? []
        : [[pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())]];
    }),
  );
  return spanExporter({ endpoint, headers, production, log });
}

async function purgeRegularly(
  purge: () => Promise<PurgeReport>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(PURGE_EVERY, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      const { removed, keptSessions } = await purge();
      if (removed.length > 0)
        log.info({ event: 'trace-purged', days: removed.length, keptSessions }, 'trace-purged');
    } catch (error) {
      log.error({ event: 'purge-failed', err: error }, 'purge-failed');
    }
  }
}
