import type { Notification } from '../control/orders.ts';
import { EngineError } from '../error/engine-error.ts';
import { inject } from '../flow/inject.ts';
import { inlineBody } from '../message/body.ts';
import type { Director } from './director.ts';

/** What stands as the source of notifications in the trace. */
const SOURCE = 'waybill';

/**
 * Sends a notification as a plain text message through the production's own operations: queued, retried
 * and traced as every message. Its name is the subject.
 */
export async function notify(
  director: Director,
  { to, subject: name, text, key }: Notification,
): Promise<{ readonly messageId: number }> {
  if (to.length === 0) throw new EngineError('HOST_UNKNOWN', 'the notification names no operation');
  const body = Buffer.from(`${name}\n\n${text}\n`);
  const { messageId } = await inject(director, {
    envelope: { source: SOURCE, type: 'text/plain', charset: 'utf-8', name },
    body: inlineBody(body),
    to,
    kind: 'n',
    order: key,
  });
  return { messageId };
}
