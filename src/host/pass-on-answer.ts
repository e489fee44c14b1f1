import type { Accepting } from '../flow/accept.ts';
import type { Sent } from '../flow/send.ts';
import { untilStored } from '../flow/settle.ts';
import type { Message } from '../message/message.ts';
import type { Outcome } from '../message/status.ts';

/** Gives the answer of a peer to whoever waits for it, before the message leaves its queue: so a crash cannot swallow it. */
export async function passOnAnswer(
  { answers }: Pick<Accepting, 'answers'>,
  { replyTo }: Message,
  { sent, status }: { readonly sent: Sent; readonly status: Outcome },
): Promise<void> {
  if (replyTo === undefined) return;
  const outcome = { status, text: sent.error?.text };
  await untilStored(() => answers.send(replyTo, { reply: sent.reply, outcome }));
}
