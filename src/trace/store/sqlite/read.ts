import type { MessageState } from '../../message-state.ts';
import type { SessionMessages } from '../../shown-to.ts';
import type {
  StoredBody,
  TracedAttempt,
  TracedMessage,
  TracedSession,
} from '../../traced-message.ts';
import { tracedMessage } from '../../traced-message.ts';
import { dayOfSession } from '../day.ts';
import { pastOutcome } from '../past-outcome.ts';
import { readAttempts, readPast, readSessionStates, readState } from './message-table.ts';
import type { TraceFile } from './trace-file.ts';
import type { TraceFiles } from './trace-files.ts';

/** A session with more messages than this is cut short: nobody reads a longer drawing. */
const MESSAGES = 2_000;
/** Of one message that is retried for days, the latest tries. */
const ATTEMPTS = 200;

interface Place {
  readonly file: TraceFile;
  readonly state: MessageState;
}

/** Finds a message by its id alone: in the day it was made, or in that of an older session it belongs to. */
export function findState(files: TraceFiles, id: number): Place | undefined {
  for (const { name, firstSession, lastId } of files.ranges()) {
    if (firstSession > id || lastId < id) continue;
    const file = files.file(name);
    const state = readState(file, id);
    // a session that is being copied to held.db counts where it was
    if (state !== undefined && (name !== 'held' || files.held.has(state.sessionId))) {
      return { file, state };
    }
  }
  return undefined;
}

export function message(files: TraceFiles, id: number): TracedMessage | undefined {
  const place = findState(files, id);
  return place === undefined ? undefined : tracedMessage(place.state);
}

export function session(files: TraceFiles, id: number): TracedSession | undefined {
  const sessionId = findState(files, id)?.state.sessionId ?? id;
  const file = fileOfSession(files, sessionId);
  if (file === undefined) return undefined;
  const states = readSessionStates(file, sessionId, MESSAGES + 1);
  const first = states[0];
  if (first === undefined) return undefined;
  const shown = states.slice(0, MESSAGES);
  return {
    id: sessionId,
    started: first.envelope?.received ?? first.envelope?.created ?? tracedMessage(first).created,
    messages: shown.map(tracedMessage),
    attempts: shown.flatMap((state) => attemptsOf(file, state)),
    past: shown.flatMap((state) =>
      state.settlement === undefined
        ? []
        : readPast(file, state.id).map((past) => pastOutcome(state.id, past)),
    ),
    resends: resendsOf(files, shown),
    truncated: states.length > MESSAGES,
  };
}

/** The messages of a session, and nothing else of it. */
export function sessionMessages(files: TraceFiles, sessionId: number): SessionMessages {
  const file = fileOfSession(files, sessionId);
  const states = file === undefined ? [] : readSessionStates(file, sessionId, MESSAGES + 1);
  return { messages: states.map(tracedMessage), whole: states.length <= MESSAGES };
}

/** The body of a message or of the reply to it. */
export function body(
  files: TraceFiles,
  id: number,
  part: 'message' | 'reply',
): StoredBody | undefined {
  const place = findState(files, id);
  if (place === undefined) return undefined;
  const { file, state } = place;
  if (part === 'reply') {
    const reply = state.settlement?.reply;
    if (reply?.body === undefined) return undefined;
    const stored = file.bodies.read(reply.body);
    return stored === undefined ? undefined : { ...stored, type: reply.type };
  }
  const stored = readBody(file, state);
  if (stored === undefined) return undefined;
  return { ...stored, type: state.envelope?.type ?? '', charset: state.envelope?.charset };
}

function readBody(file: TraceFile, state: MessageState): ReturnType<TraceFile['bodies']['read']> {
  if (state.body !== undefined) return file.bodies.read(state.body);
  if (state.sameBodyAs === undefined) return undefined;
  const other = readState(file, state.sameBodyAs);
  // one step only: a message that shares a body names the one that has it
  return other?.body === undefined ? undefined : file.bodies.read(other.body);
}

function fileOfSession(files: TraceFiles, sessionId: number): TraceFile | undefined {
  if (files.held.has(sessionId)) return files.held;
  const day = dayOfSession(sessionId);
  return files.days().includes(day) ? files.day(day) : undefined;
}

function attemptsOf(file: TraceFile, state: MessageState): TracedAttempt[] {
  return state.attempts === 0 ? [] : readAttempts(file, state.id, ATTEMPTS);
}

function resendsOf(files: TraceFiles, states: readonly MessageState[]): TracedSession['resends'] {
  const oldest = states[0]?.id ?? 0;
  const ids = JSON.stringify(states.map(({ id }) => id));
  return files
    .ranges()
    .filter(({ lastId }) => lastId >= oldest)
    .flatMap(({ name }) =>
      files.file(name).all<{ id: number; of: number; sessionId: number }>(
        `SELECT id, resend_of AS of, session_id AS sessionId FROM message INDEXED BY message_resend
           WHERE resend_of IN (SELECT value FROM json_each(?))`,
        ids,
      ),
    )
    .toSorted((a, b) => a.id - b.id);
}
