import { isEngineError } from '../error/engine-error.ts';

type Script = () => unknown;

interface Deployable {
  readonly id: string;
  readonly waits?: boolean;
  readonly deploy?: Script;
  readonly global?: Readonly<Partial<Record<'deploy', Script>>>;
}

/** The channels whose deploy scripts have yet to run in this engine, by id. */
const undeployed = new Map<string, Deployable>();
/** Those of them that only their own messages deploy: their scripts wait, or failed. */
const alone = new Set<Deployable>();

export function deployLater(channel: Deployable): void {
  undeployed.set(channel.id, channel);
  if (channel.waits === true) alone.add(channel);
}

/**
 * Runs the deploy scripts of all channels before the first message of any, as they may set global variables for each
 * other.
 */
export async function deployAll(
  own: Deployable,
  run: (channel: Deployable, scripts: readonly (Script | undefined)[]) => Promise<void>,
): Promise<void> {
  for (const channel of undeployed.values()) {
    if (channel !== own && alone.has(channel)) continue;
    undeployed.delete(channel.id);
    try {
      await run(channel, [channel.global?.deploy, channel.deploy]);
    } catch (error) {
      undeployed.set(channel.id, channel);
      // the channel’s own next message reports it
      if (channel === own || isEngineError(error)) throw error;
      alone.add(channel);
    }
  }
}
