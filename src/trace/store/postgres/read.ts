import type { Database } from '../../../database/postgres.ts';
import type { MessageState } from '../../message-state.ts';
import type { SessionMessages } from '../../shown-to.ts';
import type { StoredBody, TracedMessage, TracedSession } from '../../traced-message.ts';
import { tracedMessage } from '../../traced-message.ts';
import { pastOutcome } from '../past-outcome.ts';
import type { TraceCipher } from '../trace-cipher.ts';
import { readStored } from './body-table.ts';
import { readAttempts, readPast, readSessionStates, readStates } from './message-table.ts';
import type { WordTable } from './word-table.ts';

/** A session with more messages than this is cut short: nobody reads a longer drawing. */
const MESSAGES = 2_000;
/** Of one message that is retried for days, the latest tries. */
const ATTEMPTS = 200;

/** Finds a message by its id alone. */
async function findState(
  db: Database,
  words: WordTable,
  id: number,
): Promise<MessageState | undefined> {
  await words.refresh(db);
  const rows = await db.rows<{ session_id: number }>(
    'SELECT session_id FROM message WHERE id = ? AND session_id <= ?',
    id,
    id,
  );
  const sessionIds = rows.map(({ session_id }) => session_id);
  if (sessionIds.length === 0) return undefined;
  return (await readStates(db, words, { ids: [id], sessionIds })).get(id);
}

export async function message(
  db: Database,
  words: WordTable,
  id: number,
): Promise<TracedMessage | undefined> {
  const state = await findState(db, words, id);
  return state === undefined ? undefined : tracedMessage(state);
}

export async function session(
  db: Database,
  words: WordTable,
  id: number,
): Promise<TracedSession | undefined> {
  const sessionId = (await findState(db, words, id))?.sessionId ?? id;
  const states = await readSessionStates(db, words, { sessionId, limit: MESSAGES + 1 });
  const [first] = states;
  if (first === undefined) return undefined;
  const shown = states.slice(0, MESSAGES);
  const past = await readPast(db, [sessionId]);
  return {
    id: sessionId,
    started: first.envelope?.received ?? tracedMessage(first).created,
    messages: shown.map(tracedMessage),
    attempts: await readAttempts(db, words, { sessionId, limit: ATTEMPTS }),
    past: shown.flatMap((state) =>
      (past.get(state.id) ?? []).map((outcome) => pastOutcome(state.id, outcome)),
    ),
    resends: await resendsOf(db, shown),
    truncated: states.length > MESSAGES,
  };
}

/** The messages of a session, and nothing else of it. */
export async function sessionMessages(
  db: Database,
  words: WordTable,
  sessionId: number,
): Promise<SessionMessages> {
  const states = await readSessionStates(db, words, { sessionId, limit: MESSAGES + 1 });
  return { messages: states.map(tracedMessage), whole: states.length <= MESSAGES };
}

/** The body of a message or of the reply to it. */
export async function body(
  db: Database,
  words: WordTable,
  {
    id,
    part,
    cipher,
  }: {
    readonly id: number;
    readonly part: 'message' | 'reply';
    readonly cipher: TraceCipher | undefined;
  },
): Promise<StoredBody | undefined> {
  const state = await findState(db, words, id);
  if (state === undefined) return undefined;
  if (part === 'reply') return replyBody(db, state, cipher);
  const number = state.body ?? (await sharedBody(db, words, state));
  if (number === undefined) return undefined;
  const stored = await readStored(db, state.sessionId, number, cipher);
  if (stored === undefined) return undefined;
  return { ...stored, type: state.envelope?.type ?? '', charset: state.envelope?.charset };
}

async function replyBody(
  db: Database,
  { settlement, sessionId }: MessageState,
  cipher: TraceCipher | undefined,
): Promise<StoredBody | undefined> {
  const reply = settlement?.reply;
  if (reply?.body === undefined) return undefined;
  const stored = await readStored(db, sessionId, reply.body, cipher);
  return stored === undefined ? undefined : { ...stored, type: reply.type };
}

/** One step only: a message that shares a body names the one that has it. */
async function sharedBody(
  db: Database,
  words: WordTable,
  { sameBodyAs, sessionId }: MessageState,
): Promise<number | undefined> {
  if (sameBodyAs === undefined) return undefined;
  const states = await readStates(db, words, { ids: [sameBodyAs], sessionIds: [sessionId] });
  return states.get(sameBodyAs)?.body;
}

function resendsOf(
  db: Database,
  states: readonly MessageState[],
): Promise<{ id: number; of: number; sessionId: number }[]> {
  return db.rows<{ id: number; of: number; sessionId: number }>(
    `SELECT id, resend_of AS of, session_id AS "sessionId" FROM message
       WHERE resend_of IS NOT NULL AND resend_of = ANY(?) ORDER BY id`,
    states.map(({ id }) => id),
  );
}
