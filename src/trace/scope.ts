import type { Envelope } from '../message/message.ts';

/**
 * What a search field finds is a *scope*: the messages of a session, or of one of its branches
 * (`Envelope.branch`), if they are not about all that the session is about. Its id is that of the
 * message with which it begins. Each message belongs to one scope, and search keys to that of their message.
 */
export type ScopeId = number;

type Placed = Pick<Envelope, 'sessionId' | 'branch'>;

export function scopeOf({ sessionId, branch }: Placed): ScopeId {
  return branch ?? sessionId;
}

/** The branch of a message as the trace keeps it: engines of earlier versions only say that it is a part. */
export function branchOf({
  id,
  sessionId,
  branch,
  parts = 1,
}: Placed & Pick<Envelope, 'id' | 'parts'>): number | undefined {
  return branch ?? (parts > 1 && id !== sessionId ? id : undefined);
}

/** Whether it is a part of which an earlier version kept the search keys with those of the whole session. */
export function isUnplacedPart({
  id,
  sessionId,
  branch,
  parts = 1,
}: Placed & Pick<Envelope, 'id' | 'parts'>): boolean {
  return branch === undefined && parts > 1 && id !== sessionId;
}
