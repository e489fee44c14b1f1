import type { Settlement } from '../../message-state.ts';
import { countMessages } from './apply.ts';
import type { HeldFile } from './held-file.ts';
import { bucketOf } from './key-table.ts';
import {
  readAttempts,
  readPast,
  readSessionStates,
  writeAttempt,
  writePast,
  writeState,
} from './message-table.ts';
import type { TraceFile } from './trace-file.ts';

const ALL = Number.MAX_SAFE_INTEGER;

/** Copies whole sessions of a day to held.db as staged, over what was staged of them before. One transaction. */
export function copySessions(from: TraceFile, to: HeldFile, sessionIds: readonly number[]): void {
  if (sessionIds.length === 0) return;
  to.drop(sessionIds);
  const keys = keysOf(from, new Set(sessionIds));
  to.transaction(() => {
    for (const sessionId of sessionIds) copySession(from, to, sessionId);
    for (const { sessionId, name, value } of keys) to.keys.copy(sessionId, { name, value });
  });
}

function copySession(from: TraceFile, to: HeldFile, sessionId: number): void {
  const states = readSessionStates(from, sessionId, ALL);
  const body = bodyCopy(from, to, sessionId);
  for (const state of states) {
    writeState(to, {
      ...state,
      body: body(state.body),
      settlement: state.settlement && withBody(state.settlement, body),
    });
    for (const attempt of readAttempts(from, state.id, ALL)) {
      writeAttempt(to, { kind: 'attempt', id: state.id, sessionId, host: state.host, ...attempt });
    }
    for (const past of readPast(from, state.id)) writePast(to, state.id, withBody(past, body));
  }
  countMessages(to, states.length);
  to.stage(sessionId, from.name);
}

type BodyCopy = (id: number | undefined) => number | undefined;

function bodyCopy(from: TraceFile, to: HeldFile, sessionId: number): BodyCopy {
  return (id) => {
    const stored = id === undefined ? undefined : from.bodies.read(id);
    if (stored === undefined) return undefined;
    const { bytes, ref, size } = stored;
    if (bytes !== undefined) return to.bodies.put(sessionId, { bytes });
    return ref === undefined ? undefined : to.bodies.put(sessionId, { ref, size });
  };
}

function withBody(settlement: Settlement, body: BodyCopy): Settlement {
  const { reply } = settlement;
  return reply === undefined
    ? settlement
    : { ...settlement, reply: { ...reply, body: body(reply.body) } };
}

/** Keys are ordered by hour and value, not by session: each hour concerned is read once. */
function keysOf(
  from: TraceFile,
  sessions: ReadonlySet<number>,
): { sessionId: number; name: string; value: string }[] {
  return [...new Set([...sessions].map(bucketOf))].flatMap((bucket) =>
    from
      .all<{ name: number; value: string; session_id: number }>(
        'SELECT name, value, session_id FROM skey WHERE bucket=?',
        bucket,
      )
      .filter(({ session_id }) => sessions.has(session_id))
      .map(({ session_id, name, value }) => ({
        sessionId: session_id,
        name: from.words.text(name),
        value,
      })),
  );
}
