import { join } from 'node:path';
import type { Audit } from '../access/audit/audit.ts';
import { type AuditLog, auditLog } from '../access/audit/audit-log.ts';
import type { MetaPlace } from '../access/meta/meta-database.ts';
import type { ConsoleSettings } from '../access/sign-in/console-settings.ts';
import type { ApiServer } from '../api/api-server.ts';
import { isAway } from '../broker/away.ts';
import { type Bodies, bodies } from '../broker/bodies.ts';
import { type Broker, connectBroker } from '../broker/broker.ts';
import type { NatsAccess } from '../broker/embedded/nats-server.ts';
import { keepPrivate, makeDataFolder } from '../database/private-files.ts';
import { background } from '../error/background.ts';
import { isTold, unless } from '../error/foreseen.ts';
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

/**
 * Builds the trace from the streams and answers questions about it. Connected to the engines only through NATS.
 * If something of it cannot be started, what was started before is ended.
 */
export async function startOperator(options: OperatorOptions): Promise<OperatorPlane> {
  const begun = new AsyncDisposableStack();
  try {
    return await start(options, begun);
  } catch (error) {
    await begun.disposeAsync().catch(unless(isForeseen, 'ending what was started'));
    throw error;
  }
}

const isForeseen = (error: unknown): boolean => isTold(error) || isAway(error);

/** @param begun gets what ends each part: the last one first */
async function start(
  options: OperatorOptions,
  begun: AsyncDisposableStack,
): Promise<OperatorPlane> {
  const { log } = options;
  const broker = await connect(options);
  begun.defer(() => broker.close());
  const large = await bodies(broker);
  /** Who is told, once they are there. */
  const told: Told = { damages: [], tracing: undefined, console: undefined };
  const { store, place } = await openStores(options, large, told);
  begun.defer(() => store.close());
  const spans = spansOf(options);
  begun.defer(() => spans?.close());
  const tracing = await startTracing({
    broker,
    store,
    bodies: large,
    log,
    settings: options,
    onApplied: (applied) => {
      spans?.take(applied.inputs);
      told.console?.applied(applied);
    },
  });
  begun.defer(() => tracing.stop());
  told.tracing = tracing;
  for (const damage of told.damages) tracing.damaged(damage);
  const own = ownAudit(place, log);
  begun.defer(() => own.close());
  begun.defer(() => told.console?.stop());
  const search = (): ReadonlyMap<string, string> => tracing.settings.search;
  const withPatients = patientAudit(own, {
    trace: store,
    bodies: large,
    search,
    fields: () => patientFields(search(), undefined),
  });
  const servers = answerQuestions(broker, {
    store,
    tracing,
    bodies: large,
    audit: () => ({ record: (entry) => (told.console?.audit ?? withPatients).record(entry) }),
    alerting: () => told.console?.alerting,
  });
  for (const server of servers) begun.defer(() => server.close());
  if (options.console !== undefined) {
    const { startConsole } = await import('./console.ts');
    const parts = { place, broker, trace: store, bodies: large, tracing, log };
    told.console = await startConsole(parts, options.console);
  }
  return {
    api: told.console?.api,
    settings: told.console?.settings,
    firstCode: told.console?.firstCode,
    store,
    broker,
    stop: () => begun.disposeAsync(),
  };
}

/** What is heard before those who are told of it have been started. */
interface Told {
  /** Damage that was found before it could be reported. */
  readonly damages: Damage[];
  tracing: Tracing | undefined;
  console: OperatorConsole | undefined;
}

async function connect({ access, production, log }: OperatorOptions): Promise<Broker> {
  return connectBroker({
    ...access,
    production,
    role: 'operator',
    onStatus: (status, detail = '') => {
      const event = `nats-${status}`;
      if (status === 'refused') log.error({ event, text: SIGN_IN_REFUSED }, event);
      if (status === 'unreachable') log.warn({ event, text: detail }, event);
      if (status === 'denied') log.error({ event, text: deniedText(detail) }, event);
    },
  });
}

/** Opens the trace, and says where everything besides it is. */
async function openStores(
  options: OperatorOptions,
  large: Bodies,
  told: Told,
): Promise<{ readonly store: TraceStore; readonly place: MetaPlace }> {
  const { log, production, data, trace } = options;
  const folder = join(data, 'trace');
  await makeDataFolder(folder);
  tellTightened(log, keepPrivate(data));
  const store = await openTraceStore({
    production,
    url: trace,
    folder,
    bodies: large,
    cipher: cipherOf(options.encryption),
    onDamaged: (damage) => {
      if (told.tracing === undefined) told.damages.push(damage);
      else told.tracing.damaged(damage);
    },
    onMoved: (moved) => {
      background(tellMovedTrace({ store, log }, moved), 'reporting a file that is gone', isTold);
    },
    onMigration: (change) => log.info({ event: 'trace-migrates', ...change }, 'trace-migrates'),
    onBehind: (read) => told.tracing?.behind(read),
    onLeft: () =>
      log.warn(
        {
          event: 'tables-in-public',
          remedy:
            'The schema public has tables of a trace, as earlier versions wrote them behind PgBouncer. What is in them is not shown, and users in them cannot sign in: remove them once nobody needs them.',
        },
        'tables-in-public',
      ),
  });
  const place: MetaPlace = {
    data,
    onDamaged: (damage) => {
      background(tellDamagedMeta({ store, log }, damage), 'reporting a damaged file', isTold);
    },
    onMoved: (moved) => {
      background(tellMovedMeta({ store, log }, moved), 'reporting a file that is gone', isTold);
    },
    shared: trace === undefined ? undefined : { url: trace, production },
  };
  return { store, place };
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
