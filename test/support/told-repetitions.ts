import type { RemoteTrace } from '../../src/control/remote-trace.ts';
import type { Received } from './mllp-peers.ts';

/** Undefined if the trace tells why a receiver got a message so often; otherwise what it tells. */
async function untold(
  trace: RemoteTrace,
  target: string,
  id: string,
  count: number,
): Promise<object | undefined> {
  const { items } = await trace.find({ search: { id }, target, limit: 50 });
  const [item, ...others] = items;
  if (item === undefined || others.length > 0) return { stored: items.length };
  if (item.possibleDuplicate === true) return undefined;
  const session = await trace.session(item.sessionId);
  const tries = session?.attempts.filter(({ messageId }) => messageId === item.id) ?? [];
  if (tries.length >= count - 1) return undefined;
  const past = session?.past.filter(({ messageId }) => messageId === item.id);
  const { started, done, attempts } = item;
  return { started, done, attempts, tries, past };
}

/** Which messages came more than once, and when and from which port each time. */
export function repetitionsIn(
  received: readonly Received[],
): { readonly id: string; readonly came: readonly Pick<Received, 'at' | 'from'>[] }[] {
  return [...Map.groupBy(received, ({ controlId }) => controlId)]
    .filter(([, all]) => all.length > 1)
    .map(([id, all]) => ({ id, came: all.map(({ at, from }) => ({ at, from })) }));
}

/** What a target got more than once for a reason that the trace does not tell; `id` is a search field. */
export async function unexplained(
  received: readonly Received[],
  trace: RemoteTrace,
  target: string,
): Promise<string[]> {
  const found: string[] = [];
  for (const { id, came } of repetitionsIn(received)) {
    const told = await untold(trace, target, id, came.length);
    if (told !== undefined) found.push(`${target} ${id}: ${JSON.stringify({ came, told })}`);
  }
  return found;
}
