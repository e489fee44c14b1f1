import { isAway } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import { unless } from '../error/foreseen.ts';

/** Messages that wait for a person, as their own stream has them: no look into the trace, however old they are. */
export async function suspendedCount(
  { manager, names }: Broker,
  visible: readonly string[] | undefined,
): Promise<number> {
  const { stream, subjects } = names.suspended;
  const info = await manager.streams
    .info(stream, visible === undefined ? {} : { subjects_filter: subjects })
    .catch(unless(isAway, 'counting the suspended messages'));
  if (info === undefined) return 0;
  if (visible === undefined) return info.state.messages;
  const counts = info.state.subjects ?? {};
  return visible.reduce((sum, host) => sum + (counts[names.suspended.subject(host)] ?? 0), 0);
}
