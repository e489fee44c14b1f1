import type { Notification, SentMessage, TestMessage } from '../control/orders.ts';
import type { Definition } from '../definition/definition.ts';
import { EngineError } from '../error/engine-error.ts';
import { inject } from '../flow/inject.ts';
import { inlineBody } from '../message/body.ts';
import { fileType } from '../peer/folder/file-type.ts';
import { describeSize } from '../time/size.ts';
import { type Director, hostsOf } from './director.ts';
import type { Engine } from './engine.ts';

/** The source of a message that did not come in through a service. */
const SOURCE = 'waybill';

/**
 * Sends a test message into a host: into a service as if its adapter had delivered it, into another
 * host as if it had been sent there. It goes the way of every message, including to real receivers;
 * everything made from it keeps the mark. Throws CONFIG_INVALID if the production does not accept
 * any.
 */
export function sendTestMessage(
  engine: Engine,
  director: Director,
  request: TestMessage,
  body: Uint8Array,
): Promise<SentMessage> {
  const { order } = request;
  const send = (): Promise<SentMessage> => sent(director, request, body);
  return order === undefined ? send() : engine.orders.once(order, send);
}

async function sent(
  director: Director,
  { host, type, charset, name, by, order }: TestMessage,
  body: Uint8Array,
): Promise<SentMessage> {
  const { source, to } = wayInto(director.definition, host, body);
  const { messageId, sessionId } = await inject(director, {
    envelope: { source, type: type ?? fileType(body, name ?? ''), charset, name, testBy: by },
    body: inlineBody(body),
    to,
    kind: 't',
    order,
  });
  return { messageId, sessionId };
}

/** The source and targets of a message for a host. */
function wayInto(
  definition: Definition,
  host: string,
  body: Uint8Array,
): { readonly source: string; readonly to: readonly string[] } {
  const { name, settings } = definition;
  if (!settings.testMessages) {
    throw new EngineError(
      'CONFIG_INVALID',
      `${name} takes no test messages; settings.testMessages: true in the production allows them; use it only where no patients are treated`,
    );
  }
  if (body.byteLength > settings.inlineLimit) {
    const limit = describeSize(settings.inlineLimit);
    throw new EngineError(
      'MESSAGE_TOO_LARGE',
      `a test message may have up to ${limit} (inlineLimit)`,
    );
  }
  const of = hostsOf(definition).find((one) => one.name === host);
  if (of === undefined)
    throw new EngineError('HOST_UNKNOWN', `there is no host ${host} in ${name}`);
  return of.kind === 'service' ? { source: host, to: of.to } : { source: SOURCE, to: [host] };
}

/**
 * Sends a notification as a plain text message through the production's own operations: queued,
 * retried and traced like every message. Its name is the subject.
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
