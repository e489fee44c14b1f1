import type { Answer } from '../broker/answers.ts';
import type { Leg } from './route.ts';

/**
 * The answer for whoever waits for a message whose legs are these, where no queue will give one:
 * the reply of an inline process, or how the message ended at the first target. Undefined if nobody
 * waits, or if one of the queues owes the answer.
 */
export function directAnswer(legs: readonly Leg[]): Answer | undefined {
  const last = legs.findLast(({ message }) => message.replyTo !== undefined);
  const settled = last?.settled;
  if (settled === undefined) return undefined;
  return { reply: settled.reply, outcome: { status: settled.status, text: settled.error?.text } };
}
