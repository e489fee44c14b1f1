import type { Answers } from '../broker/answers.ts';
import type { Taken } from '../broker/queue.ts';
import type { ErrorCode } from '../error/codes.ts';
import type { OutcomeRecord } from '../message/record.ts';
import { outcomeOf } from './outcome-of.ts';
import { type Settling, settle, untilStored } from './settle.ts';

/** A person's order to end a message that has no outcome yet: permanently, or set aside to be checked. */
export interface EndOrder {
  readonly status: 'discarded' | 'suspended';
  readonly by: string;
  readonly reason: string;
  /** Why it is set aside, if no person asked for it. */
  readonly code?: ErrorCode | undefined;
}

export interface Ending extends Settling {
  readonly answers: Pick<Answers, 'send'>;
  readonly now: number;
}

/** Settles a queued message as a person ordered, and answers a waiting sender. */
export async function endMessage(
  parts: Ending,
  taken: Taken,
  {
    host,
    order,
    begun,
  }: { readonly host: string; readonly order: EndOrder; readonly begun: boolean },
): Promise<void> {
  const { replyTo } = taken.message;
  const text = begun
    ? `${order.reason} (it was being sent: the peer may have received it)`
    : order.reason;
  if (replyTo !== undefined) {
    const { error } = told(order, text);
    const outcome = { ...outcomeOf(order.status, error), text };
    await untilStored(() => parts.answers.send(replyTo, { outcome }), parts.patience);
  }
  await settle(parts, taken, {
    host,
    started: parts.now,
    done: parts.now,
    attempts: 0,
    ...told(order, text),
  });
}

function told(
  { status, by, code }: EndOrder,
  text: string,
): Pick<OutcomeRecord, 'status' | 'error' | 'warning' | 'by'> {
  return status === 'discarded'
    ? { status, by, warning: text }
    : {
        status,
        by,
        error:
          code === undefined
            ? { code: 'ADAPTER_SUSPEND', text: `set aside: ${text}`, retryable: true }
            : { code, text, retryable: true },
      };
}
