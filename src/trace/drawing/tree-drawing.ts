import type { TracedSession } from '../traced-message.ts';
import { type Step, sessionSteps } from './session-steps.ts';
import { type DrawingOptions, sinceStart, wrapped } from './terminal-text.ts';

const DEEPEST = 8;
/** Columns that a line keeps however deep it is. */
const LEAST = 12;

/** Draws a session as a tree: each message under the one it came from, with what happened to it. Fits any width. */
export function treeDrawing(session: TracedSession, options: DrawingOptions): readonly string[] {
  const { width, ascii = false } = options;
  const byMessage = Map.groupBy(sessionSteps(session, options), ({ messageId }) => messageId);
  const ids = new Set(session.messages.map(({ id }) => id));
  const children = Map.groupBy(session.messages, ({ parentId }) =>
    // the parent of a resent message lies in another session
    parentId !== undefined && ids.has(parentId) ? parentId : 0,
  );
  const lines: string[] = [];
  const draw = (id: number, depth: number): void => {
    const indent = '  '.repeat(Math.min(depth, DEEPEST));
    for (const [number, step] of (byMessage.get(id) ?? []).entries()) {
      // the first is the message itself, the others are what became of it
      const before = number === 0 ? indent : `${indent}  `;
      const room = width === undefined ? undefined : Math.max(LEAST, width - before.length - 2);
      const [first = '', ...rest] = wrapped(lineOf(step, session.started, ascii), room);
      lines.push(before + first, ...rest.map((line) => `${before}  ${line}`));
    }
    for (const child of children.get(id) ?? []) draw(child.id, depth + 1);
  };
  for (const { id } of children.get(0) ?? []) draw(id, 0);
  return lines;
}

function lineOf({ at, from, to, label, note }: Step, start: number, ascii: boolean): string {
  const time = at === Number.MAX_SAFE_INTEGER ? '' : `${sinceStart(at, start)} `;
  if (to === undefined) return `${time}${from}: ${note}`;
  const arrow = ascii ? '->' : '→';
  return `${time}${from} ${arrow} ${to} ${label} ${note}`;
}
