import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Note, Notes } from '../../src/api/contract/note.ts';
import { addLocalUser } from '../support/local-user.ts';
import { type Operated, operated } from '../support/operator.ts';
import { type Visitor, visitor } from '../support/visitor.ts';

const PASSWORD = 'a long walk by the sea';
let production: Operated;
let anna: Visitor;
let bert: Visitor;
let boss: Visitor;
let message: number;

async function known(name: string, role: string, scope = '*'): Promise<Visitor> {
  const data = join(production.folder.path, 'data');
  await addLocalUser(data, { name, password: PASSWORD, roles: [role], scope: [scope] });
  const somebody = visitor(production.url);
  await somebody.signIn(name, PASSWORD);
  return somebody;
}
const write = (who: Visitor, about: string, object: string, text: string) =>
  who.ask<Note>('POST', '/api/v1/notes', { about, object, text });
const found = async (who: Visitor, query = ''): Promise<string[]> =>
  (await who.ask<Notes>('GET', `/api/v1/notes${query}`)).body.notes.map(({ text }) => text);

beforeAll(async () => {
  production = await operated();
  await production.send('N1');
  anna = await known('anna', 'operator');
  bert = await known('bert', 'operator');
  boss = await known('boss', 'engineer');
  message = await vi.waitFor(async () => {
    const { body } = await anna.ask<{ items: { id: number }[] }>(
      'POST',
      '/api/v1/messages/search',
      { source: 'hl7-in' },
    );
    if (body.items[0] === undefined) throw new Error('it is not traced yet');
    return body.items[0].id;
  }, 20_000);
});
afterAll(() => production[Symbol.asyncDispose]());

test('a note is written on a host or a message that is there, and found on it, by its words and by its time', async () => {
  const host = await write(anna, 'host', 'hl7-out', 'The ward calls back at six');
  expect([host.status, host.body]).toEqual([
    200,
    expect.objectContaining({ about: 'host', object: 'hl7-out', by: 'anna', own: true }),
  ]);
  expect((await write(bert, 'message', `${message}`, 'sent again by hand')).status).toBe(200);
  for (const [about, object] of [
    ['host', 'nowhere'],
    ['message', '123'],
    ['message', 'x'],
    ['alert', '99'],
  ] as const)
    expect((await write(anna, about, object, 'x')).status).toBe(404);
  expect((await write(anna, 'host', 'hl7-out', '  ')).status).toBe(400);
  expect(await found(anna, '?about=host&object=hl7-out')).toEqual(['The ward calls back at six']);
  expect(await found(anna, '?text=WARD')).toEqual(['The ward calls back at six']);
  expect(await found(anna, '?limit=1')).toEqual(['sent again by hand']);
  expect(await found(anna, `?from=${Date.now() + 1_000}`)).toEqual([]);
});

test('its writer changes it; who manages alerts may remove it; each is in the audit log', async () => {
  const { body: note } = await write(anna, 'host', 'hl7-out', 'first words');
  const change = (who: Visitor) =>
    who.ask<Note>('PUT', `/api/v1/notes/${note.id}`, { text: 'better words' });
  expect((await change(bert)).status).toBe(403);
  expect((await change(boss)).status).toBe(403);
  expect((await change(anna)).body).toMatchObject({
    text: 'better words',
    edited: expect.any(Number),
  });
  const remove = async (who: Visitor): Promise<number> =>
    (await who.ask('DELETE', `/api/v1/notes/${note.id}`)).status;
  expect([await remove(bert), await remove(boss), await remove(anna)]).toEqual([403, 200, 404]);
  const audit = await production.ask<{ rows: { action: string; actor: string; detail: string }[] }>(
    'GET',
    '/api/v1/audit?action=note.',
  );
  const acts = audit.body.rows.map(({ action, actor }) => `${action} ${actor}`);
  expect(acts).toEqual(expect.arrayContaining(['note.edit anna', 'note.remove boss']));
  expect(JSON.stringify(audit.body)).not.toContain('better words');
});

test('who sees other hosts finds nothing, and who sees patients masked does not find them by a note', async () => {
  const other = await known('other', 'operator', 'host:elsewhere');
  await write(boss, 'message', `${message}`, 'patient Doe, number 471199, is waiting');
  expect(await found(other)).toEqual([]);
  expect(await found(other, '?text=waiting')).toEqual([]);
  expect(await found(boss, '?text=471199')).toHaveLength(1);
  expect(await found(anna, '?text=471199')).toEqual([]);
  expect((await found(anna, '?text=waiting'))[0]).not.toMatch(/471199|Doe/);
  const viewer = await known('viewer', 'viewer');
  expect((await write(viewer, 'host', 'hl7-out', 'x')).status).toBe(403);
});
