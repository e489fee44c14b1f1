import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { AuditEntry } from '../../src/access/audit/audit.ts';
import type { Principal } from '../../src/access/rights/principal.ts';
import type { Message, MessagePage } from '../../src/api/contract/message.ts';
import { searchRecorder } from '../../src/api/searching.ts';
import { framed } from '../support/mllp-peers.ts';
import { type Operated, operated, WARD } from '../support/operator.ts';
import { ANN } from '../support/person.ts';
import { signedInAs } from '../support/signed-in-as.ts';

const NAME = 'Zwingli';
const NUMBER = '47118800';
/** What the ward says of the patient in its refusal. */
const REFUSAL = `MSH|^~\\&|R|R|S|S|20260101||ACK|A1|P|2.5.1\rMSA|AE|P1|Unknown patient ${NAME} ${NUMBER}\r`;

const masked: Principal = { ...ANN, name: 'bob', unmasked: false };

let production: Operated;
const who = signedInAs();
const recorded: AuditEntry[] = [];

beforeAll(async () => {
  who.principal = ANN;
  production = await operated({
    production: WARD.replace(
      "settings: { connect: '${env:CONNECT}' }",
      "settings: { connect: '${env:CONNECT}' }\n    replies: { AE: suspend }",
    ),
    answer: () => framed(REFUSAL),
    console: {
      signIn: who.plugin,
      audit: {
        record: async (entry: AuditEntry) => {
          recorded.push(entry);
        },
      },
    },
  });
  await production.send('P1', { mrn: NUMBER, name: `${NAME}^Huldrych` });
});
afterAll(async () => production[Symbol.asyncDispose]());

async function suspended(): Promise<Message> {
  return vi.waitFor(async () => {
    const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
      status: ['suspended'],
      source: 'hl7-in',
    });
    const [first] = body.items;
    if (first === undefined) throw new Error('it is not suspended yet');
    return first;
  }, 20_000);
}

const ask = (path: string, body: object) =>
  production.ask<{ items?: unknown[] }>('POST', `/api/v1/messages/${path}`, body);
const search = (criteria: object) => ask('search', criteria);

test('what a peer says of a patient is shown to who may see patients, and masked for others wherever it stands', async () => {
  const { id, sessionId, reply } = await suspended();
  expect(reply?.text).toContain(NAME);
  const questions: readonly (readonly [string, string, object?])[] = [
    ['POST', 'messages/search', {}],
    ['GET', `messages/${id}`],
    ['GET', `sessions/${sessionId}`],
    ['GET', 'failures'],
    ['GET', 'hosts'],
    ['GET', 'hosts/hl7-out'],
    ['GET', 'production/map'],
    ['GET', 'events'],
    ['GET', 'alerts'],
    ['GET', 'queues'],
    ['GET', `messages/${id}/body`],
    ['GET', `messages/${id}/body?part=reply`],
    ['GET', `messages/${id}/body/hl7`],
    ['GET', `messages/${id}/diff?against=${id}`],
    ['POST', 'messages/export', { criteria: {}, format: 'ndjson' }],
    ['POST', 'jobs', { type: 'resend', criteria: {}, reason: 'x', dryRun: true }],
  ];
  who.principal = masked;
  const told = await Promise.all(
    questions.map(async ([method, path, body]) => {
      const answer = await production.ask(method, `/api/v1/${path}`, body);
      return { path, status: answer.status, text: JSON.stringify(answer.body) };
    }),
  );
  expect(told.filter(({ status }) => status !== 200)).toEqual([]);
  const leaks = told.filter(({ text }) => text.includes(NAME) || text.includes(NUMBER));
  expect(leaks.map(({ path }) => path)).toEqual([]);
  const page = await production.ask<Message>('GET', `/api/v1/messages/${id}`);
  expect(page.body.reply?.text).toBe('Unknown patient Xxxxxxx 00000000');
  expect(page.body.error).toMatchObject({
    text: 'the peer answered AE (rule AE)',
    said: 'Unknown patient Xxxxxxx 00000000',
  });
});

test('who may not see patients searches for whole values only: no guess is answered by its hits', async () => {
  who.principal = masked;
  expect((await search({ search: { mrn: NUMBER } })).body.items).toHaveLength(1);
  for (const criteria of [{ search: { mrn: '47*' } }, { contains: NAME }]) {
    const guesses = [
      search(criteria),
      production.ask('POST', '/api/v1/messages/count', criteria),
      production.ask('POST', '/api/v1/messages/export', { criteria, format: 'csv' }),
      production.ask('POST', '/api/v1/jobs', {
        type: 'resend',
        criteria,
        reason: '',
        dryRun: true,
      }),
    ];
    for (const guess of await Promise.all(guesses)) {
      expect(guess).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
      expect(JSON.stringify(guess.body)).toContain('bob lacks message.content.unmasked');
    }
  }
  who.principal = ANN;
  expect((await search({ search: { mrn: '4711*' } })).body.items).toHaveLength(1);
  expect((await search({ contains: NAME })).body.items).toHaveLength(1);
});

test('who sees only some hosts is told nothing, by any question, of what they may not open', async () => {
  who.principal = { ...ANN, name: 'lab', visibleHosts: ['hl7-out'] };
  const { body } = await search({ status: ['suspended'] });
  const [first, ...more] = (body.items ?? []) as Message[];
  const id = first?.id ?? 0;
  expect(more).toEqual([]);
  expect((await production.ask('GET', `/api/v1/messages/${id}/body`)).status).toBe(403);
  const guesses = [
    { search: { mrn: '47*' } },
    { search: { mrn: NUMBER } },
    { search: { mrn: NUMBER }, status: ['suspended'] },
    { contains: NAME },
    { error: 'the peer answered' },
  ];
  for (const criteria of guesses) {
    expect(await search(criteria)).toMatchObject({ status: 200, body: { items: [] } });
    expect((await ask('count', criteria)).body).toMatchObject({ count: 0 });
    const rows = await production.ask('POST', '/api/v1/messages/export', {
      criteria,
      format: 'ndjson',
    });
    expect(rows.body ?? '').toBe('');
    const job = { type: 'resend', criteria, reason: 'x', dryRun: true };
    expect((await production.ask('POST', '/api/v1/jobs', job)).body).toMatchObject({ total: 0 });
  }
  expect((await production.ask('GET', `/api/v1/find?text=${NUMBER}`)).body).toEqual({ hits: [] });
  const told = [
    await production.ask('GET', `/api/v1/messages/${id}`),
    await production.ask('GET', `/api/v1/sessions/${id}`),
    await production.ask('GET', '/api/v1/failures'),
    await production.ask('GET', '/api/v1/hosts/hl7-out'),
    await search({ fields: ['mrn'] }),
  ];
  for (const { status, body: answer } of told) {
    expect(status).toBe(200);
    expect(JSON.stringify(answer)).not.toMatch(new RegExp(`${NAME}|${NUMBER}`));
  }
  // both ends are theirs: everything is found
  who.principal = { ...ANN, name: 'both', visibleHosts: ['hl7-in', 'hl7-out'] };
  for (const criteria of guesses) {
    expect((await search(criteria)).body.items?.length).toBeGreaterThan(0);
  }
});

test('each question is recorded once, with every page and count of it; another one, or another person, anew', async () => {
  who.principal = ANN;
  recorded.length = 0;
  const criteria = { search: { mrn: 'R-1' } };
  const searches = () => recorded.filter(({ action }) => action === 'message.search').length;
  await ask('search', { ...criteria, after: 's9007199254740991.' });
  expect(searches()).toBe(1);
  await ask('search', { ...criteria, from: 1, limit: 10 });
  await ask('count', criteria);
  expect(searches()).toBe(1);
  await ask('count', { search: { mrn: 'R-2' } });
  expect(searches()).toBe(2);
  who.principal = { ...ANN, name: 'eve' };
  await ask('search', criteria);
  expect(searches()).toBe(3);
  expect(recorded.at(-1)).toMatchObject({ actor: { name: 'eve' }, detail: { criteria } });
});

test('a question that is asked on and on is recorded again after a quarter of an hour', async () => {
  const rows: AuditEntry[] = [];
  let time = 1;
  const record = searchRecorder(
    { audit: { record: async (entry: AuditEntry) => void rows.push(entry) } } as never,
    () => time,
  );
  const request = { principal: ANN, ip: '::1' } as never;
  for (const later of [0, 60_000, 14 * 60_000, 1]) {
    time += later;
    await record(request, { target: 'x' }, async () => undefined);
  }
  expect(rows).toHaveLength(2);
});
