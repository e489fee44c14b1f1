import { type KeptMessage, type PurgeOptions, type PurgeReport } from '../../trace-store.ts';
import { messageCount } from './apply.ts';
import {
  KEPT_NAMED,
  openMessagesIn,
  reasonToGo,
  sessionsToKeep,
  settledSessions,
} from './purge.ts';
import type { TraceFiles } from './trace-files.ts';

/** What a purge would do; nothing is changed. */
export async function purgePlan(files: TraceFiles, options: PurgeOptions): Promise<PurgeReport> {
  const { now, keep, signal } = options;
  const released = settledSessions(files.held, now - keep).length;
  const removed: PurgeReport['removed'][number][] = [];
  const kept: KeptMessage[] = openMessagesIn(files.held);
  let keptSessions = files.held.count() - released;
  let total = files.totalBytes();
  for (const day of files.days().toReversed()) {
    signal?.throwIfAborted();
    const because = reasonToGo(total, day, options);
    if (because === undefined) break;
    const file = files.day(day);
    const bytes = files.bytes(day);
    removed.push({ day, because, bytes, messages: messageCount(file) });
    keptSessions += (await sessionsToKeep(files, day, { because, now, keep, signal })).length;
    kept.push(...openMessagesIn(files.day(day)));
    total -= bytes;
  }
  return { removed, kept: kept.slice(0, KEPT_NAMED), keptSessions, released, bodiesRemoved: 0 };
}
