import { isAway } from '../broker/away.ts';
import { queueStates } from '../broker/queue-survey.ts';
import { unless } from '../error/foreseen.ts';
import type { Metrics } from '../log/metrics.ts';
import { Deadline } from '../time/deadline.ts';
import type { Director } from './director.ts';
import type { Engine } from './engine.ts';

/** Milliseconds after which a scrape goes without them: Prometheus waits ten seconds. */
const COUNTING = 3_000;

/** Updates the gauges of queues at each scrape, including those of hosts that are gone. */
export function observeQueues(figures: Metrics, director: Director, engine: Engine): void {
  figures.onScrape(async () => {
    const production = director.definition.name;
    const now = Date.now();
    // while NATS is away, or stuck, nothing is known
    let states: Awaited<ReturnType<typeof queueStates>> | undefined;
    const count = async (): Promise<void> => {
      states = await queueStates(engine.broker).catch(unless(isAway, 'counting the queues'));
    };
    await new Deadline(COUNTING).within('counting the queues', count(), isAway);
    figures.queueDepth.reset();
    figures.queueAge.reset();
    for (const [host, { depth, oldest }] of states ?? []) {
      if (depth === 0 && !director.hasQueue(host)) continue;
      figures.queueDepth.set({ production, host }, depth);
      figures.queueAge.set({ production, host }, (now - (oldest ?? now)) / 1_000);
    }
  });
}
