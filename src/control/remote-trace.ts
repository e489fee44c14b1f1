import type { Broker } from '../broker/broker.ts';
import type { SessionOutcome } from '../trace/session-outcome.ts';
import type { Indexing, QuickHit, TracePage, TraceQuery } from '../trace/trace-query.ts';
import type { TracedMessage, TracedSession } from '../trace/traced-message.ts';
import { askControl } from './control.ts';
import { TRACE } from './verbs.ts';

/** The trace, read remotely. */
export interface RemoteTrace {
  find(query: TraceQuery): Promise<TracePage>;
  indexing(): Promise<Indexing | undefined>;
  quickFind(text: string, limit: number): Promise<readonly QuickHit[]>;
  fields(): Promise<readonly string[]>;
  session(id: number): Promise<TracedSession | undefined>;
  message(id: number): Promise<TracedMessage | undefined>;
  outcomes(sessions: readonly number[]): Promise<readonly SessionOutcome[]>;
}

/** Searching a large trace may take a while. */
const PATIENCE = { timeout: 30_000 };

/** Reads the trace of a running production from anywhere that can reach its NATS. */
export const remoteTrace = (broker: Broker, by: string): RemoteTrace => ({
  find: (query) => askControl(broker, TRACE.find, { query, by }, PATIENCE),
  indexing: () => askControl(broker, TRACE.indexing, null, PATIENCE),
  quickFind: (text, limit) => askControl(broker, TRACE.quickFind, { text, limit, by }, PATIENCE),
  fields: () => askControl(broker, TRACE.fields, null, PATIENCE),
  session: (id) => askControl(broker, TRACE.session, { id, by }, PATIENCE),
  message: (id) => askControl(broker, TRACE.message, { id, by }, PATIENCE),
  outcomes: (sessions) => askControl(broker, TRACE.outcomes, { sessions, by }, PATIENCE),
});
