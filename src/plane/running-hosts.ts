import { isAway } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import { askAll } from '../control/control.ts';
import { ENGINE } from '../control/verbs.ts';
import { isTold, tolerate } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import type { TraceStore } from '../trace/trace-store.ts';

/** Milliseconds between two looks: two for each ten minutes that the trace distinguishes. */
const LOOK = 5 * 60_000;
/** Milliseconds to wait for further engines after the last answer. */
const STALL = 500;

/** Records regularly which hosts run on any engine, until the signal. */
export async function recordRunningHosts(
  { broker, store }: { readonly broker: Broker; readonly store: TraceStore },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const reports = await askAll(broker, ENGINE.status, null, STALL);
      const hosts = reports.flatMap((report) =>
        report.hosts.flatMap(({ host, state }) => (state === 'running' ? [host] : [])),
      );
      if (hosts.length > 0) await store.sawRunning([...new Set(hosts)], Date.now());
    } catch (error) {
      // nothing runs that could be seen, or the trace is away, which its projector tells
      tolerate(error, (cause) => isAway(cause) || isTold(cause), 'recording which hosts run');
    }
    await pause(LOOK, signal, { ref: false });
  }
}
