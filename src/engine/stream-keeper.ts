import { isAway } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import { background } from '../error/background.ts';
import { unless } from '../error/foreseen.ts';
import type { Events } from '../log/events.ts';
import { pause } from '../time/pause.ts';
import type { Director } from './director.ts';
import { type Engine, makeAgain, ownStreams } from './engine.ts';

interface StreamKeeperOptions {
  readonly broker: Broker;
  /** Every stream that the engine stores into. */
  readonly needed: () => readonly string[];
  /** Compares the streams with what was stored, and reports what is gone; false if it cannot be done now. */
  readonly compare: (broker: Broker) => Promise<boolean>;
  /** Creates what is missing. */
  readonly make: () => Promise<void>;
  /** Called once they are there again, empty. */
  readonly onMade: (streams: readonly string[]) => void;
}

export interface StreamKeeper {
  /** Looks at once, as after a reconnect. Rejects as NATS does; what was not possible is tried again. */
  look(): Promise<void>;
  close(): Promise<void>;
}

const EVERY = 5_000;

/**
 * Creates streams again that vanished while the engine runs: NATS came back with an empty disk, or somebody removed
 * one. Otherwise everything would be refused until the engine starts again.
 */
function keepStreams({ broker, needed, compare, make, onMade }: StreamKeeperOptions): StreamKeeper {
  const closed = new AbortController();
  let looking: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    const found = new Set<string>();
    // those of buckets have other subjects
    for await (const name of broker.manager.streams.names()) found.add(name);
    const missing = needed().filter((stream) => !found.has(stream));
    if (missing.length === 0 || closed.signal.aborted) return;
    // what is stored afterwards would hide what is gone
    if (!(await compare(broker))) return;
    await make();
    onMade(missing);
  };
  const look = (): Promise<void> => {
    looking ??= run().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const keep = async (): Promise<void> => {
    for (;;) {
      await pause(EVERY, closed.signal, { ref: false });
      if (closed.signal.aborted) return;
      await look().catch(unless(isAway, 'looking for missing streams'));
    }
  };
  const kept = keep();
  background(kept, 'looking for missing streams');
  return {
    look,
    async close() {
      closed.abort();
      await kept;
    },
  };
}

/** Keeps the streams of a running production. */
export function streamsOf(
  director: Director,
  engine: Engine,
  { told, compare }: { readonly told: Events; readonly compare: StreamKeeperOptions['compare'] },
): StreamKeeper {
  const { broker } = engine;
  return keepStreams({
    broker,
    compare,
    needed: () => [...ownStreams(broker), ...director.queueStreams()],
    async make() {
      await makeAgain(engine, director.definition.settings.duplicateWindow);
      await director.makeQueuesAgain();
    },
    onMade: (missing) =>
      told.told(
        '',
        'error',
        'streams-made-again',
        `NATS no longer had ${missing.join(', ')}; they were made again, empty. If nobody removed them, NATS came back without its disk: what was in them is reported as lost.`,
      ),
  });
}
