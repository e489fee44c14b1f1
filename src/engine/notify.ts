import type { Notification } from '../control/orders.ts';
import { EngineError } from '../error/engine-error.ts';
import { enqueue } from '../flow/enqueue.ts';
import { route } from '../flow/route.ts';
import { subject } from '../flow/subject.ts';
import { inlineBody } from '../message/body.ts';
import type { Envelope } from '../message/message.ts';
import { systemClock } from '../time/clock.ts';
import type { Director } from './director.ts';
import type { Engine } from './engine.ts';

/** What stands as the source of notifications in the trace. */
const SOURCE = 'waybill';

/**
 * Sends a notification as a plain text message through the production's own operations: queued, retried
 * and traced as every message. Its name is the subject.
 */
export async function notify(
  engine: Engine,
  director: Director,
  { to, subject: name, text, key }: Notification,
): Promise<{ readonly messageId: number }> {
  if (to.length === 0) throw new EngineError('HOST_UNKNOWN', 'the notification names no operation');
  const body = Buffer.from(`${name}\n\n${text}\n`);
  const id = engine.ids.next();
  const now = systemClock.now();
  const envelope: Envelope = {
    id,
    sessionId: id,
    source: SOURCE,
    target: to[0] ?? '',
    type: 'text/plain',
    charset: 'utf-8',
    created: now,
    received: now,
    size: body.byteLength,
    name,
  };
  const legs = await route(director.routing, subject(envelope, inlineBody(body)), {
    to: to.map((target) => ({ to: target })),
    key: `n${key}`,
    firstId: id,
  });
  await enqueue(director.storing, legs);
  return { messageId: id };
}
