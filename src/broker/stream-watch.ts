import { tolerate } from '../error/foreseen.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';
import { type CutStream, findCutStreams } from './cut-streams.ts';
import type { StoredMarks } from './stored-marks.ts';

/** Checks, at the start and after each reconnect, whether NATS still has what it had acknowledged. */
export interface StreamWatch {
  /** What has been found missing since this engine started. */
  readonly lost: readonly CutStream[];
  /**
   * Resolves once the check is done, or after a while; nothing of this production may be published before.
   *
   * @returns whether it is done
   */
  look(broker: Broker): Promise<boolean>;
}

/** Milliseconds that a reconnect waits for a check. */
const PATIENCE = 3_000;

export function streamWatch(
  marks: StoredMarks,
  { onLost }: { readonly onLost: (cut: CutStream) => void },
): StreamWatch {
  const lost: CutStream[] = [];
  let looking: Promise<boolean> | undefined;
  const run = async (broker: Broker): Promise<true> => {
    for (const cut of await findCutStreams(broker, marks.last)) {
      marks.cut(cut.stream, cut.isGone ? 0 : cut.from - 1);
      lost.push(cut);
      onLost(cut);
    }
    return true;
  };
  return {
    lost,
    async look(broker) {
      // an engine has several connections, and one check is enough for all
      looking ??= run(broker)
        .catch((error: unknown) => {
          tolerate(error, isAway, 'comparing the streams with what was stored');
          return false;
        })
        .finally(() => {
          looking = undefined;
        });
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<false>((resolve) => {
        timer = setTimeout(() => resolve(false), PATIENCE);
      });
      const isDone = await Promise.race([looking, late]);
      clearTimeout(timer);
      return isDone;
    },
  };
}
