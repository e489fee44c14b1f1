import type { Accepting } from '../flow/accept.ts';
import { enqueue } from '../flow/enqueue.ts';
import { type Leg, route } from '../flow/route.ts';
import type { Sent } from '../flow/send.ts';
import { type Patience, untilStored } from '../flow/settle.ts';
import { subject } from '../flow/subject.ts';
import { inlineBody } from '../message/body.ts';
import type { Message, Reply } from '../message/message.ts';
import type { Outcome } from '../message/status.ts';

/** A message whose sending has ended. */
interface Answered {
  /** The host that sent it. */
  readonly name: string;
  readonly message: Message;
  readonly sent: Sent;
  readonly status: Outcome;
  readonly answersTo: readonly string[];
}

/**
 * Gives a peer's answer to a waiting sender, and to the targets that get it as a new message. Both
 * happen before the message leaves its queue, so that a crash cannot lose the answer; the keys are
 * derived from the message's, so that the answer to a repetition is stored once.
 */
export async function passOnAnswer(
  accepting: Accepting,
  answered: Answered,
  patience: Patience,
): Promise<void> {
  const { message, sent, status, answersTo } = answered;
  const { reply } = sent;
  const { replyTo } = message;
  if (replyTo !== undefined) {
    const outcome = { status, text: sent.error?.text };
    await untilStored(() => accepting.answers.send(replyTo, { reply, outcome }), patience);
  }
  if (answersTo.length === 0 || status !== 'completed') return;
  if (reply === undefined || reply.body.byteLength === 0) return;
  await untilStored(async () => {
    await enqueue(accepting, await legsOf(accepting, answered, reply));
  }, patience);
}

function legsOf(
  { routing }: Accepting,
  { name, message, answersTo }: Answered,
  { body, type }: Reply,
): Promise<Leg[]> {
  const from = {
    ...message,
    source: name,
    parentId: message.id,
    type,
    size: body.byteLength,
    charset: undefined,
    replyTo: undefined,
    resendOf: undefined,
    possibleDuplicate: undefined,
  };
  const output = { body, type };
  return route({ ...routing, wiring: routing.wiring() }, subject(from, inlineBody(body)), {
    to: answersTo.map((to) => ({ to, output })),
    key: `a${message.id}`,
  });
}
