import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { metaDatabase } from '../../../src/access/meta/open-meta.ts';
import type { Permission } from '../../../src/access/rights/principal.ts';
import { users } from '../../../src/access/sign-in/users.ts';
import { hashPassword } from '../../../src/credential/password.ts';
import { eventSource } from '../../support/event-source.ts';
import { operated } from '../../support/operator.ts';
import { ANN } from '../../support/person.ts';
import { signedInAs } from '../../support/signed-in-as.ts';
import { visitor } from '../../support/visitor.ts';

test('what is told live asks for the same right as its list', async () => {
  const who = signedInAs();
  await using production = await operated({ console: { signIn: who.plugin } });
  const open = (permissions: Iterable<Permission>): ReturnType<typeof eventSource> => {
    who.principal = { ...ANN, permissions: new Set(permissions) };
    return eventSource(new URL('/api/v1/stream?topics=messages,events', production.url));
  };
  const stream = await open(['dashboard.view']);
  const entitled = await open(ANN.permissions);
  const toldOf = ({ events }: typeof stream): number =>
    events.filter(({ event }) => event === 'messages').length;
  // what the first would be told of L1 comes before what the second is told of L2
  for (const text of ['L1', 'L2']) {
    const before = toldOf(entitled);
    await production.send(text);
    await vi.waitFor(() => expect(toldOf(entitled)).toBeGreaterThan(before));
  }
  expect(stream.events.filter(({ event }) => event !== 'hello')).toEqual([]);
  await Promise.all([stream, entitled].map((one) => one[Symbol.asyncDispose]()));
});

test('a stream ends soon after its reader was signed out, removed, or may see less', async () => {
  await using production = await operated({ administrator: false });
  await using database = await metaDatabase({ data: join(production.folder.path, 'data') });
  const known = users(database);
  const password = await hashPassword('by the sea', { memory: 64, passes: 1, parallelism: 1 });
  const open = async (name: string) => {
    await known.add({ name, roles: ['viewer'], scope: ['*'], password, mustChange: false });
    const reader = visitor(production.url);
    await reader.signIn(name, 'by the sea');
    const cookie = [...reader.cookies].map(([key, value]) => `${key}=${value}`).join('; ');
    const response = await fetch(new URL('/api/v1/stream', production.url), {
      headers: { cookie },
    });
    const ended = vi.fn<() => void>();
    void response.text().then(ended, () => undefined);
    return { reader, ended, status: response.status };
  };
  const [stays, leaves, less, gone] = [
    await open('stays'),
    await open('leaves'),
    await open('less'),
    await open('gone'),
  ];
  expect([stays.status, leaves.status, less.status, gone.status]).toEqual([200, 200, 200, 200]);
  await leaves.reader.ask('POST', '/api/v1/sign-out');
  await database.run(`UPDATE "user" SET scope = '["tag:none"]' WHERE name = 'less'`);
  await known.remove('gone');
  await vi.waitFor(
    () => {
      for (const { ended } of [leaves, less, gone]) expect(ended).toHaveBeenCalled();
    },
    { timeout: 8_000 },
  );
  expect(stays.ended).not.toHaveBeenCalled();
});
