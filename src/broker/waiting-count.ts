import type { Broker } from './broker.ts';

/**
 * How many messages of each host wait for a time or an answer, outside their queues. The server's
 * answer has one line of text for each.
 */
export async function waitingCounts({
  manager,
  names,
}: Pick<Broker, 'manager' | 'names'>): Promise<ReadonlyMap<string, { readonly count: number }>> {
  const { waiting } = names;
  const { state } = await manager.streams.info(waiting.stream, {
    subjects_filter: waiting.subjects,
  });
  const counts = new Map<string, { count: number }>();
  for (const [subject, count] of Object.entries(state.subjects ?? {})) {
    const host = waiting.hostOf(subject);
    counts.set(host, { count: (counts.get(host)?.count ?? 0) + count });
  }
  return counts;
}
