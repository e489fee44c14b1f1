import type { LeftQueue } from '../control/engine-report.ts';
import type { Reloaded } from '../control/orders.ts';
import { describeDifference } from '../definition/difference.ts';
import { EngineError } from '../error/engine-error.ts';
import { leftText } from './left-queues.ts';

/** One line per change, for a terminal, and what waits for hosts that are removed. */
export function describeReload(reloaded: Reloaded): string[] {
  const left = reloaded.waiting.map((queue) => `! ${leftText(queue)}: they stay`);
  return [...describeDifference(reloaded), ...left];
}

export function messagesWaiting(waiting: readonly LeftQueue[]): EngineError {
  const what = waiting.map(leftText).join('; ');
  return new EngineError(
    'MESSAGES_WAITING',
    `${what}: the production would no longer have such a host. Let them be sent first, or leave them where they are with waybill apply --leave-waiting: they are sent once the production has a host of that name again`,
  );
}
