import type { AttemptRecord } from '../../../message/record.ts';
import type { MessageState, Settlement } from '../../message-state.ts';
import type { ScopeId } from '../../scope.ts';
import type { TracedAttempt } from '../../traced-message.ts';
import {
  MESSAGE_COLUMNS,
  type MessageRow,
  overwritten,
  rowOfState,
  stateOfRow,
} from '../message-columns.ts';
import { STATUS_CODE, statusOfCode } from '../stored-code.ts';
import type { TraceFile } from './trace-file.ts';

const COLUMNS = MESSAGE_COLUMNS.join(', ');
const SELECT = `SELECT ${COLUMNS} FROM message`;
const UPSERT = `INSERT INTO message(${COLUMNS}) VALUES(${MESSAGE_COLUMNS.map(() => '?').join(', ')})
  ON CONFLICT(id) DO UPDATE SET ${overwritten('id')}`;

export function readState(file: TraceFile, id: number): MessageState | undefined {
  const row = file.first<MessageRow>(`${SELECT} WHERE id=?`, id);
  return row === undefined ? undefined : stateWithExplanation(file, row);
}

/** In the order they were made; those of one branch, if it is given. */
export function readSessionStates(
  file: TraceFile,
  sessionId: number,
  limit: number,
  { from = 0, branch }: { readonly from?: number; readonly branch?: number | undefined } = {},
): MessageState[] {
  return file
    .all<MessageRow>(
      `${SELECT} INDEXED BY message_session
         WHERE session_id=? AND id>=?${branch === undefined ? '' : ' AND branch=?'} ORDER BY id LIMIT ?`,
      sessionId,
      from,
      ...(branch === undefined ? [] : [branch]),
      limit,
    )
    .map((row) => stateWithExplanation(file, row));
}

/** Of a branch, or of a session without its branches; in the order they were made, without explanations. */
export function readScopeStates(
  file: TraceFile,
  scope: ScopeId,
  isBranch: boolean,
  limit: number,
): MessageState[] {
  const its = isBranch
    ? 'INDEXED BY message_branch WHERE branch=?'
    : 'INDEXED BY message_session WHERE session_id=? AND branch IS NULL';
  return file
    .all<MessageRow>(`${SELECT} ${its} ORDER BY id LIMIT ?`, scope, limit)
    .map((row) => stateOfRow(row, file.words));
}

function stateWithExplanation(file: TraceFile, row: MessageRow): MessageState {
  const explain = row.explain === null ? undefined : file.explanations.get(row.explain);
  return stateOfRow(row, file.words, explain);
}

/** Only within a transaction. */
export function writeState(file: TraceFile, state: MessageState): void {
  const explanation = state.settlement?.explain;
  const explain = explanation === undefined ? null : file.explanations.number(explanation);
  file.run(UPSERT, ...rowOfState(state, file.words, explain));
}

export function writeAttempt(file: TraceFile, attempt: AttemptRecord): void {
  const { id, at, next, error } = attempt;
  file.run(
    'INSERT OR IGNORE INTO attempt(message_id, attempt, at, next, code, text, retryable, said) VALUES(?, ?, ?, ?, ?, ?, ?, ?)',
    id,
    attempt.attempt,
    at,
    next,
    file.words.number(error.code),
    error.text,
    error.retryable ? 1 : 0,
    error.said ?? null,
  );
}

export function readAttempts(file: TraceFile, id: number, limit: number): TracedAttempt[] {
  return file
    .all<{
      attempt: number;
      at: number;
      next: number;
      code: number;
      text: string;
      retryable: number;
      said: string | null;
    }>(
      `SELECT attempt, at, next, code, text, retryable, said FROM attempt WHERE message_id=?
         ORDER BY attempt DESC, at DESC LIMIT ?`,
      id,
      limit,
    )
    .toReversed()
    .map(({ attempt, at, next, code, text, retryable, said }) => ({
      messageId: id,
      attempt,
      at,
      next,
      error: {
        code: file.words.text(code),
        text,
        retryable: retryable === 1,
        said: said ?? undefined,
      },
    }));
}

export function writePast(file: TraceFile, id: number, settlement: Settlement): void {
  const { status, done = 0, reply, ...rest } = settlement;
  file.run(
    'INSERT OR IGNORE INTO past(message_id, done, status, body, json) VALUES(?, ?, ?, ?, ?)',
    id,
    done,
    STATUS_CODE[status],
    reply?.body ?? null,
    JSON.stringify({
      ...rest,
      reply: reply === undefined ? undefined : { ...reply, body: undefined },
    }),
  );
}

export function readPast(file: TraceFile, id: number): Settlement[] {
  return file
    .all<{ done: number; status: number; body: number | null; json: string }>(
      'SELECT done, status, body, json FROM past WHERE message_id=? ORDER BY done',
      id,
    )
    .map(({ done, status, body, json }) => {
      const rest = JSON.parse(json) as Omit<Settlement, 'done' | 'status'>;
      const reply =
        rest.reply === undefined ? undefined : { ...rest.reply, body: body ?? undefined };
      return { ...rest, reply, done, status: statusOfCode(status) as Settlement['status'] };
    });
}
