import { type Difference, describeDifference } from '../definition/difference.ts';
import { EngineError } from '../error/engine-error.ts';
import { type LeftQueue, leftText } from './left-queues.ts';

export interface ReloadOrder {
  /** Only shows what would change. */
  readonly dryRun: boolean;
  readonly by: string;
  /** Takes hosts out although messages wait in their queues. */
  readonly leaveWaiting?: boolean | undefined;
  /** Applies nothing where the files say what runs already, and tells nobody. */
  readonly ifChanged?: boolean | undefined;
  /** The `version` of what was shown: anything else is not applied. */
  readonly expected?: string | undefined;
}

/** What a reload changes or has changed. */
export interface Reloaded extends Difference {
  /** The files that were read, as a whole. */
  readonly version: string;
  /** The hosts that are taken out, or have no queue any more, and what waits for them. */
  readonly waiting: readonly LeftQueue[];
}

/** One line a change, for a terminal, and what waits for hosts that are taken out. */
export function describeReload(reloaded: Reloaded): string[] {
  const left = reloaded.waiting.map((queue) => `! ${leftText(queue)}: they stay`);
  return [...describeDifference(reloaded), ...left];
}

export function messagesWaiting(waiting: readonly LeftQueue[]): EngineError {
  const what = waiting.map(leftText).join('; ');
  return new EngineError(
    'MESSAGES_WAITING',
    `${what}: the production would have no such host any longer. Let them be sent first, or leave them where they are with waybill apply --leave-waiting: they are sent once the production has a host of that name again`,
  );
}
