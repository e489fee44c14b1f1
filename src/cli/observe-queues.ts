import { queueState } from '../broker/consumer-lag.ts';
import type { Metrics } from '../log/metrics.ts';
import type { Director } from '../production/director.ts';
import type { Engine } from '../production/engine.ts';

/** Brings the gauges of queues up to date whenever somebody scrapes. */
export function observeQueues(figures: Metrics, director: Director, engine: Engine): void {
  figures.onScrape(async () => {
    const production = director.definition.name;
    const now = Date.now();
    await Promise.all(
      director.statuses().map(async ({ host }) => {
        const states = await Promise.all(
          director
            .queueStreamsOf(host)
            .map((stream) => queueState(engine.broker, stream).catch(() => undefined)),
        );
        const known = states.filter((state) => state !== undefined);
        if (known.length === 0) return;
        const oldest = Math.min(...known.map((state) => state.oldest ?? now));
        figures.queueDepth.set(
          { production, host },
          known.reduce((sum, { depth }) => sum + depth, 0),
        );
        figures.queueAge.set({ production, host }, (now - oldest) / 1_000);
      }),
    );
  });
}
