import { join } from 'node:path';
import type { Audit } from '../access/audit/audit.ts';
import { type AuditLog, auditLog } from '../access/audit/audit-log.ts';
import type { MetaPlace } from '../access/meta/meta-database.ts';
import type { ConsoleSettings } from '../access/sign-in/console-settings.ts';
import type { ApiServer } from '../api/api-server.ts';
import { bodies } from '../broker/bodies.ts';
import { type Broker, connectBroker } from '../broker/broker.ts';
import type { NatsAccess } from '../broker/embedded/nats-server.ts';
import { keepPrivate, makeDataFolder } from '../database/private-files.ts';
import { background } from '../error/background.ts';
import { isTold } from '../error/foreseen.ts';
import { deniedText, SIGN_IN_REFUSED } from '../log/events.ts';
import type { Logger } from '../log/logger.ts';
import { patientAudit, patientFields } from '../operator/access/patient-audit.ts';
import { type SpanExporter, spanExporter } from '../trace/span-exporter.ts';
import type { Damage } from '../trace/store/damage.ts';
import { openTraceStore } from '../trace/store/open-store.ts';
import { type TraceCipher, traceCipher, traceKey } from '../trace/store/trace-cipher.ts';
import type { TraceStore } from '../trace/trace-store.ts';
import { answerQuestions } from './answer-questions.ts';
import type { ConsoleOptions, OperatorConsole } from './console.ts';
import { tellDamagedMeta, tellMovedMeta, tellMovedTrace } from './trace-losses.ts';
import type { TraceSettings } from './trace-settings.ts';
import { startTracing, type Tracing } from './tracing.ts';

export interface OperatorOptions extends TraceSettings {
  readonly access: NatsAccess;
  readonly production: string;
  /** The folder of the embedded trace store. */
  readonly data: string;
  /** A PostgreSQL store instead. */
  readonly trace?: string | undefined;
  /** The keys of the trace, oldest first, and whether the last of them encrypts what is written. */
  readonly encryption?: TraceEncryption | undefined;
  readonly log: Logger;
  /** Where the API and the console listen; undefined starts none. */
  readonly console?: ConsoleOptions | undefined;
}

export interface TraceEncryption {
  readonly keys: readonly Uint8Array[];
  readonly encrypt: boolean;
}

export interface OperatorPlane {
  /** Where the console is; undefined if there is none. */
  readonly api: ApiServer | undefined;
  /** The settings from `console.yaml` when it was read; undefined if there is no console. */
  readonly settings: ConsoleSettings | undefined;
  /** The code for making the first administrator, if there is none. */
  readonly firstCode: string | undefined;
  readonly store: TraceStore;
  readonly broker: Broker;
  stop(): Promise<void>;
}

/** Builds the trace from the streams and answers questions about it. Connected to the engines only through NATS. */
// oxlint-disable-next-line max-lines-per-function -- steps in one order, which sharing state across functions would hide
export async function startOperator(options: OperatorOptions): Promise<OperatorPlane> {
  const { log, production } = options;
  const broker = await connectBroker({
    ...options.access,
    production,
    role: 'operator',
    onStatus: (status, detail = '') => {
      const event = `nats-${status}`;
      if (status === 'refused') log.error({ event, text: SIGN_IN_REFUSED }, event);
      if (status === 'unreachable') log.warn({ event, text: detail }, event);
      if (status === 'denied') log.error({ event, text: deniedText(detail) }, event);
    },
  });
  const large = await bodies(broker);
  /** Damage that was found before it could be reported. */
  const damages: Damage[] = [];
  let tracing: Tracing | undefined;
  const place: MetaPlace = {
    data: options.data,
    onDamaged: (damage) => {
      background(tellDamagedMeta({ store, log }, damage), 'reporting a damaged file', isTold);
    },
    onMoved: (moved) => {
      background(tellMovedMeta({ store, log }, moved), 'reporting a file that is gone', isTold);
    },
    shared: options.trace === undefined ? undefined : { url: options.trace, production },
  };
  const folder = join(options.data, 'trace');
  await makeDataFolder(folder);
  tellTightened(log, keepPrivate(options.data));
  const store = await openTraceStore({
    production,
    url: options.trace,
    folder,
    bodies: large,
    cipher: cipherOf(options.encryption),
    onDamaged: (damage) => {
      if (tracing === undefined) damages.push(damage);
      else tracing.damaged(damage);
    },
    onMoved: (moved) => {
      background(tellMovedTrace({ store, log }, moved), 'reporting a file that is gone', isTold);
    },
  });
  const spans = spansOf(options);
  let console: OperatorConsole | undefined;
  const own = ownAudit(place, log);
  const search = (): ReadonlyMap<string, string> => tracing?.settings.search ?? options.search;
  const withPatients = patientAudit(own, {
    trace: store,
    bodies: large,
    search,
    fields: () => patientFields(search(), undefined),
  });
  const audit: Audit = { record: (entry) => (console?.audit ?? withPatients).record(entry) };
  const started = await startTracing({
    broker,
    store,
    bodies: large,
    log,
    settings: options,
    onApplied: (applied) => {
      spans?.take(applied.inputs);
      console?.applied(applied);
    },
  });
  tracing = started;
  for (const damage of damages) started.damaged(damage);
  const servers = answerQuestions(broker, {
    store,
    tracing: started,
    bodies: large,
    audit: () => audit,
    alerting: () => console?.alerting,
  });
  const stop = async (): Promise<void> => {
    for (const server of servers) server.close();
    await console?.stop();
    await own.close();
    await started.stop();
    await spans?.close();
    await store.close();
    await broker.close();
  };
  try {
    if (options.console !== undefined) {
      const { startConsole } = await import('./console.ts');
      console = await startConsole(
        {
          place,
          broker,
          trace: store,
          bodies: large,
          tracing: started,
          log,
        },
        options.console,
      );
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    api: console?.api,
    settings: console?.settings,
    firstCode: console?.firstCode,
    store,
    broker,
    stop,
  };
}

/** Where orders from the command line are recorded if there is no console; opened by the first of them. */
function ownAudit(place: MetaPlace, log: Logger): Audit & { close(): Promise<void> } {
  let opened: AuditLog | undefined;
  return {
    async record(entry) {
      opened ??= await auditLog(place, {
        onCut: (cut) => log.error({ event: 'audit-cut', ...cut }, 'audit-cut'),
      });
      await opened.record(entry);
    },
    close: async () => opened?.close(),
  };
}

function cipherOf(
  { keys, encrypt }: TraceEncryption = { keys: [], encrypt: false },
): TraceCipher | undefined {
  if (keys.length === 0) return undefined;
  return traceCipher(
    keys.map((bytes) => traceKey(Buffer.from(bytes))),
    encrypt,
  );
}

/**
 * Reports files that were accessible to others on this machine and no longer are, so that anybody
 * who relied on that learns why.
 */
function tellTightened(log: Logger, paths: readonly string[]): void {
  if (paths.length > 0)
    log.warn({ event: 'rights-tightened', paths: paths.length }, 'rights-tightened');
}

/** The collector named by OpenTelemetry's own variables, if any. */
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
