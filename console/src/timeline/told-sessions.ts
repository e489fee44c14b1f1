import type { Message } from '../../../src/api/contract/message.ts';
import { worstOf } from '../../../src/message/status.ts';
import { failureText } from '../element/failure-text.ts';
import { shortType } from '../element/short-type.ts';

type Status = Message['status'];

/** A session as a timeline shows it. */
export interface ToldSession {
  readonly id: number;
  readonly at: number;
  /** From the message that began it, as far as it was found. */
  readonly type: string;
  readonly source: string;
  /** Who got a part of it, in that order. */
  readonly targets: readonly string[];
  /** The worst of its messages. */
  readonly status: Status;
  readonly failure: string | undefined;
}

/** Found messages as sessions, oldest first. */
export function toldSessions(messages: readonly Message[]): readonly ToldSession[] {
  return [...Map.groupBy(messages, ({ sessionId }) => sessionId)]
    .map(([id, own]) =>
      toldSession(
        id,
        own.toSorted((a, b) => a.id - b.id),
      ),
    )
    .toSorted((a, b) => a.at - b.at || a.id - b.id);
}

function toldSession(id: number, messages: readonly Message[]): ToldSession {
  const [first] = messages;
  const failed = messages.find(({ error }) => error !== undefined);
  return {
    id,
    at: first?.received ?? 0,
    type: shortType(first?.type ?? ''),
    source: first?.source ?? '',
    targets: [...new Set(messages.map(({ target }) => target))],
    status: worstOf(messages) ?? 'completed',
    failure: failed?.error && failureText(failed.error),
  };
}

/** `ADT_A01` → `ADT`: its lane. */
export const familyOf = ({ type }: ToldSession): string => type.split('_')[0] ?? type;
