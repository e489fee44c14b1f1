import { describeDuration } from '../../time/duration.ts';
import type { TracedSession } from '../traced-message.ts';
import { sequenceDrawing } from './sequence-drawing.ts';
import { cut, type DrawingOptions, dateTime } from './terminal-text.ts';
import { treeDrawing } from './tree-drawing.ts';

/** Draws one session for a terminal: hosts as columns where they fit, else as a tree. No body is shown. */
export function drawSession(session: TracedSession, options: DrawingOptions = {}): string {
  const { messages, started, id, truncated } = session;
  const last = Math.max(started, ...messages.map(({ done, created }) => done ?? created));
  const counted = messages.length === 1 ? '1 message' : `${messages.length} messages`;
  const head = [
    `session ${id}`,
    dateTime(started, options.zone),
    truncated ? `the first ${counted}` : counted,
    describeDuration(last - started),
  ].join(', ');
  const drawing = sequenceDrawing(session, options) ?? treeDrawing(session, options);
  return [cut(head, options.width, options.ascii), '', ...drawing].join('\n');
}
