import { timeOfId } from '../../../message/id.ts';
import { keyValue } from '../../key-value.ts';
import { idIn } from '../../quick-find.ts';
import { openKeyTest, type SessionGround } from '../../shown-to.ts';
import type { QuickHit } from '../../trace-query.ts';
import type { QuickFindOptions } from '../../trace-store.ts';
import { isVisible } from '../../traced-message.ts';
import { body, message, sessionMessages } from './read.ts';
import type { TraceFiles } from './trace-files.ts';

const KEY_HITS = 100;

/** Asks all files for an id or the exact value of any search field. */
export async function quickFind(
  files: TraceFiles,
  text: string,
  { visible, shown, limit = 20 }: QuickFindOptions = {},
): Promise<QuickHit[]> {
  const hits = [...byId(files, text, visible)];
  const value = keyValue(text);
  const ground: SessionGround = {
    messages: (sessionId) => sessionMessages(files, sessionId),
    body: (id) => body(files, id, 'message'),
  };
  for (const hit of byKey(files, value)) {
    if (hits.length >= limit) break;
    const key = { name: hit.field ?? '', value, prefix: false };
    const isOpen = openKeyTest([key], visible, { ground, reader: shown?.keys });
    if (isOpen === undefined || (await isOpen(hit.sessionId))) hits.push(hit);
  }
  return hits;
}

const LATELY = 8;

/** Names of search fields of the last days. */
export function fields(files: TraceFiles): string[] {
  const names = files
    .ranges()
    .slice(0, LATELY)
    .flatMap(({ name }) => files.file(name).keys.fields());
  return [...new Set(names)].toSorted((a, b) => a.localeCompare(b));
}

function* byId(
  files: TraceFiles,
  text: string,
  visible: readonly string[] | undefined,
): Generator<QuickHit> {
  const id = idIn(text);
  const found = id === undefined ? undefined : message(files, id);
  if (found === undefined || !isVisible(found, visible)) return;
  const { sessionId, created } = found;
  if (found.id === sessionId) yield { kind: 'session', sessionId, at: created };
  yield { kind: 'message', sessionId, messageId: found.id, at: created };
}

function* byKey(files: TraceFiles, value: string): Generator<QuickHit> {
  if (value === '') return;
  const seen = new Set<string>();
  for (const { name } of files.ranges()) {
    for (const { field, sessionId } of files.file(name).keys.sessionsWith(value, KEY_HITS)) {
      // a session on its way to held.db is in two files
      const hit = `${sessionId} ${field}`;
      if (!seen.has(hit)) yield { kind: 'field', sessionId, field, at: timeOfId(sessionId) };
      seen.add(hit);
    }
  }
}
