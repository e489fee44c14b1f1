import type { LeftQueue } from '../control/engine-report.ts';
import type { Reloaded } from '../control/orders.ts';
import { describeDifference } from '../definition/difference.ts';
import { EngineError } from '../error/engine-error.ts';
import { leftText } from './left-queues.ts';

/** One line per change, for a terminal, and what waits for hosts that are removed. */
export function describeReload(reloaded: Reloaded): string[] {
  const left = reloaded.waiting.map((queue) =>
    queue.becomes === undefined
      ? `! ${leftText(queue)}: they stay`
      : `! ${leftText(queue)}: the ${queue.becomes} gets them as they are`,
  );
  return [...describeDifference(reloaded), ...left];
}

export function messagesWaiting(waiting: readonly LeftQueue[]): EngineError {
  const changed = waiting.find(({ becomes }) => becomes !== undefined);
  if (changed !== undefined)
    return new EngineError(
      'MESSAGES_WAITING',
      `${leftText(changed)}: it becomes another kind of host, and the ${changed.becomes} would get them as they are. Let them be done first, give the new host another name, or confirm it with waybill apply --leave-waiting`,
    );
  const what = waiting.map(leftText).join('; ');
  return new EngineError(
    'MESSAGES_WAITING',
    `${what}: the production would no longer have such a host. Let them be sent first, or leave them where they are with waybill apply --leave-waiting: they are sent once the production has a host of that name again`,
  );
}
