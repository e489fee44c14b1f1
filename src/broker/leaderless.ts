import { JetStreamApiError } from '@nats-io/jetstream';
import { unless } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';

/** The server's code for: there is one, but no leader of it answers. */
const NO_LEADER = 10_008;
const NOT_FOUND = 10_014;
/** Milliseconds for which a consumer has had no leader, although its stream has one, until it is given up: an election takes seconds. */
const GIVEN_UP = 20_000;
const LOOK_EVERY = 500;

/** Whether that is what the server answers about a consumer. */
export const isLeaderless = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === NO_LEADER;

/**
 * Removes a consumer that stays without a leader. A cluster of which all servers were killed makes such ones: replaying
 * that a consumer was removed and made again at another sequence, nats-server 2.10 takes it for a change of the first
 * one, refuses it ("start sequence can not be updated") and runs the consumer nowhere. Nothing would be delivered until
 * somebody removes it.
 *
 * @param patience milliseconds, see `GIVEN_UP`
 * @returns whether it is gone; false if its stream has no leader either, or the consumer has one
 */
export async function removeLeaderless(
  { manager }: Pick<Broker, 'manager'>,
  stream: string,
  name: string,
  patience = GIVEN_UP,
): Promise<boolean> {
  for (const end = performance.now() + patience; performance.now() < end; await pause(LOOK_EVERY)) {
    const { cluster } = await manager.streams.info(stream);
    if (cluster?.leader === undefined) return false;
    const is = await lookAt(manager, stream, name);
    if (is !== 'leaderless') return is === 'gone';
  }
  // it goes, but nobody is there who would say so
  await manager.consumers
    .delete(stream, name)
    .catch(unless(isAway, `removing the consumer ${name} of ${stream}`));
  return true;
}

async function lookAt(
  manager: Broker['manager'],
  stream: string,
  name: string,
): Promise<'led' | 'leaderless' | 'gone'> {
  try {
    const { cluster } = await manager.consumers.info(stream, name);
    return cluster !== undefined && cluster.leader === undefined ? 'leaderless' : 'led';
  } catch (error) {
    if (isLeaderless(error)) return 'leaderless';
    if (error instanceof JetStreamApiError && error.code === NOT_FOUND) return 'gone';
    throw error;
  }
}
