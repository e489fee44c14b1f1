import type { QuickHit } from '../trace-query.ts';
import { cut, type DrawingOptions, dateTime } from './terminal-text.ts';

/** What a pasted text may be, one per line. */
export function drawQuickHits(hits: readonly QuickHit[], options: DrawingOptions = {}): string {
  if (hits.length === 0)
    return 'nothing: it is not a message, control id or value of a search field';
  return hits
    .map(({ kind, at, sessionId, messageId, field }) => {
      const what =
        kind === 'field'
          ? `${field ?? ''} of ${messageId === undefined ? '' : `message ${messageId} of `}session ${sessionId}`
          : kind === 'session'
            ? `session ${sessionId}`
            : `message ${messageId ?? ''} of session ${sessionId}`;
      return cut(`${dateTime(at, options.zone)}  ${what}`, options.width, options.ascii);
    })
    .join('\n');
}
