import { timeOfId } from '../message/id.ts';
import type { StatisticChange } from './batch.ts';
import type { Fact } from './fold.ts';
import type { MessageState } from './message-state.ts';

/** What the trace says of a message whose acknowledgement is proven and whose outcome was lost. */
const OUTCOME_LOST = 'outcome lost in a crash';

/** The outcome that is presumed of such a message, and how it is counted. */
export function presumption(
  state: MessageState,
  now: number,
): { readonly state: MessageState; readonly fact: Fact; readonly statistic: StatisticChange } {
  const { id, sessionId, host } = state;
  const latency = Math.max(0, now - timeOfId(id));
  return {
    state,
    fact: {
      id,
      sessionId,
      host,
      settlement: { status: 'completed', done: now, presumed: true, warning: OUTCOME_LOST },
    },
    statistic: {
      minute: Math.floor(now / 60_000),
      host,
      in: 0,
      out: 1,
      errors: 0,
      bytes: 0,
      latency,
      latencyMax: latency,
    },
  };
}
