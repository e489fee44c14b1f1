import type { Database } from '../../../database/postgres.ts';
import { timeOfId } from '../../../message/id.ts';
import { keyValue } from '../../key-value.ts';
import { idIn } from '../../quick-find.ts';
import { openKeyTest, type SessionGround } from '../../shown-to.ts';
import type { QuickHit } from '../../trace-query.ts';
import type { QuickFindOptions } from '../../trace-store.ts';
import { isVisible } from '../../traced-message.ts';
import { isOneOf, keyForms, type TraceCipher } from '../trace-cipher.ts';
import { body, message, sessionMessages } from './read.ts';
import type { WordTable } from './word-table.ts';

const KEY_HITS = 100;

/** Asks for an id or the exact value of any search field. */
export async function quickFind(
  db: Database,
  words: WordTable,
  {
    text,
    cipher,
    visible,
    shown,
    limit = 20,
  }: QuickFindOptions & {
    readonly text: string;
    readonly cipher: TraceCipher | undefined;
  },
): Promise<QuickHit[]> {
  const hits = await byId(db, words, { text, visible });
  const value = keyValue(text);
  const ground: SessionGround = {
    messages: (sessionId) => sessionMessages(db, words, sessionId),
    body: (id) => body(db, words, { id, part: 'message', cipher }),
  };
  for (const hit of await byKey(db, words, { value, cipher })) {
    if (hits.length >= limit) break;
    const key = { name: hit.field ?? '', value, prefix: false };
    const isOpen = openKeyTest([key], visible, { ground, reader: shown?.keys });
    if (isOpen === undefined || (await isOpen(hit.sessionId))) hits.push(hit);
  }
  return hits;
}

/** Names of search fields. */
export async function fields(db: Database): Promise<string[]> {
  const rows = await db.rows<{ text: string }>(
    'SELECT text FROM key_name JOIN word ON id = word ORDER BY text',
  );
  return rows.map(({ text }) => text);
}

async function byId(
  db: Database,
  words: WordTable,
  { text, visible }: { readonly text: string; readonly visible: readonly string[] | undefined },
): Promise<QuickHit[]> {
  const id = idIn(text);
  const found = id === undefined ? undefined : await message(db, words, id);
  if (found === undefined || !isVisible(found, visible)) return [];
  const { sessionId, created: at } = found;
  const hit: QuickHit = { kind: 'message', sessionId, messageId: found.id, at };
  return found.id === sessionId ? [{ kind: 'session', sessionId, at }, hit] : [hit];
}

async function byKey(
  db: Database,
  words: WordTable,
  { value, cipher }: { readonly value: string; readonly cipher: TraceCipher | undefined },
): Promise<QuickHit[]> {
  if (value === '') return [];
  await words.refresh(db);
  const forms = keyForms(value, cipher);
  const rows = await db.rows<{ name: number; session_id: number }>(
    `SELECT name, session_id FROM skey WHERE name = ANY(ARRAY(SELECT word FROM key_name)) AND ${isOneOf(forms)}
       ORDER BY session_id DESC LIMIT ?`,
    ...forms,
    KEY_HITS,
  );
  return rows.map(({ name, session_id: sessionId }) => ({
    kind: 'field',
    sessionId,
    field: words.text(name),
    at: timeOfId(sessionId),
  }));
}
