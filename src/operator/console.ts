import type { Bodies } from '../broker/bodies.ts';
import type { Broker } from '../broker/broker.ts';
import type { Logger } from '../log/logger.ts';
import type { Projector } from '../trace/projector.ts';
import type { TraceInput } from '../trace/trace-input.ts';
import type { PurgeReport, TraceStore } from '../trace/trace-store.ts';
import { type ApiOptions, type ApiServer, startApi } from './api/api-server.ts';
import type { ApiContext } from './api/context.ts';
import type { Audit } from './audit/audit.ts';
import { logAudit } from './audit/log-audit.ts';
import { engines } from './engines.ts';
import { type BodyMask, hideBody } from './rights/body-mask.ts';

/** What the operator plane lends its console. */
export interface ConsoleParts {
  /** The data folder; meta.db lies in it. */
  readonly data: string;
  readonly broker: Broker;
  readonly trace: TraceStore;
  readonly bodies: Bodies;
  readonly projector: Pick<Projector, 'lag' | 'failingSince'>;
  readonly purge: () => Promise<PurgeReport>;
  readonly log: Logger;
}

export interface ConsoleOptions extends Omit<ApiOptions, 'context'> {
  /** Where acts are recorded; the log by default. */
  readonly audit?: Audit | undefined;
  /** How bodies are masked; by default who needs them masked sees none. */
  readonly mask?: BodyMask | undefined;
}

export interface OperatorConsole {
  readonly api: ApiServer;
  /** Told of what the trace shows from now on. */
  applied(inputs: readonly TraceInput[]): void;
  stop(): Promise<void>;
}

/** The API, and all that only people need: live events, jobs, alerts. */
export async function startConsole(
  parts: ConsoleParts,
  { audit, mask = hideBody, ...options }: ConsoleOptions,
): Promise<OperatorConsole> {
  const { broker, trace, bodies, projector, purge, log } = parts;
  const context: ApiContext = {
    production: broker.production,
    broker,
    trace,
    bodies,
    engines: engines(broker),
    audit: audit ?? logAudit(log),
    mask,
    alerts: { openCount: () => 0 },
    log,
    lag: () => projector.lag(),
    failingSince: () => projector.failingSince(),
    purge,
  };
  const api = await startApi({ ...options, context });
  return {
    api,
    applied: () => undefined,
    stop: () => api.close(),
  };
}
