import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Principal } from '../../src/access/rights/principal.ts';
import type { Failures, Message, MessagePage, Session } from '../../src/api/contract/message.ts';
import { rootLogger } from '../../src/log/logger.ts';
import { framed } from '../support/mllp-peers.ts';
import { type Operated, operated, WARD } from '../support/operator.ts';
import { ANN } from '../support/person.ts';
import { signedInAs } from '../support/signed-in-as.ts';

const BAD_LOOKUP = 'ward UNKNOWN is not in the table';
const READ_ONLY = 'database is read-only';
const TOO_BUSY = 'too busy for Zwingli';

const masked: Principal = { ...ANN, name: 'bob', unmasked: false };
const who = signedInAs();
const logged: string[] = [];
let production: Operated;

/** By the control id: a refusal for good with one of two causes, or a wish to wait that ends in one. */
function answer(control: string): Buffer {
  const [letter = ''] = control;
  const say = (code: string, said: string, error = ''): Buffer =>
    framed(
      `MSH|^~\\&|R|R|S|S|20260101||ACK|${control}|P|2.5.1\rMSA|${code}|${control}|${said}\r${error}`,
    );
  if (letter === 'L')
    return say(
      'AE',
      '',
      `ERR||PV1^1^3|103^Table value not found^HL70357|E|||ward ${control} was looked for|${BAD_LOOKUP}\r`,
    );
  return letter === 'D' ? say('AE', READ_ONLY) : say('AR', TOO_BUSY);
}

beforeAll(async () => {
  who.principal = ANN;
  production = await operated({
    production: WARD.replace(
      "settings: { connect: '${env:CONNECT}' }",
      "settings: { connect: '${env:CONNECT}' }\n    replies: { AE: suspend, AR: retry }\n    pool: 4\n    order: none\n    retry: { every: 20ms, for: 1h }",
    ),
    answer: ({ controlId }) => answer(controlId),
    console: { signIn: who.plugin },
    log: rootLogger('debug', { write: (line) => void logged.push(line) }),
  });
  for (const control of ['L1', 'D1', 'L2', 'D2', 'L3'])
    await production.send(control, { mrn: `4711${control}`, name: 'Zwingli^Huldrych' });
  await production.send('R1');
});
afterAll(async () => production[Symbol.asyncDispose]());

const failures = async () =>
  (await production.ask<Failures>('GET', '/api/v1/failures')).body.groups;

test.for([
  ['who may see patients', ANN],
  ['who may not', masked],
] as const)(
  'two causes with one code are two groups for %s, each found by its cause',
  async ([, principal]) => {
    who.principal = principal;
    await vi.waitFor(
      async () => expect((await failures()).map(({ count }) => count)).toEqual([3, 2]),
      20_000,
    );
    const [lookup, database] = await failures();
    expect(lookup?.said).toContain(BAD_LOOKUP);
    expect(lookup?.cause).toContain(BAD_LOOKUP);
    expect(database).toMatchObject({ said: READ_ONLY, cause: expect.stringContaining(READ_ONLY) });
    for (const { host, status, code, cause, count } of [lookup, database].filter(
      (one) => one !== undefined,
    )) {
      const criteria = { target: host, status: [status], error: code, cause };
      const { body } = await production.ask<MessagePage>(
        'POST',
        '/api/v1/messages/search',
        criteria,
      );
      expect(body.items).toHaveLength(count);
    }
  },
);

test('what is tried again says what the receiver said at each try', async () => {
  who.principal = ANN;
  const criteria = { status: ['retrying'] };
  const page = await vi.waitFor(async () => {
    const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', criteria);
    expect(body.items).toMatchObject([{ error: { said: TOO_BUSY } }]);
    return body;
  }, 20_000);
  const { sessionId } = page.items[0] as Message;
  const session = await production.ask<Session>('GET', `/api/v1/sessions/${sessionId}`);
  expect(session.body.attempts[0]?.error).toMatchObject({ said: TOO_BUSY });
  who.principal = masked;
  const shown = await production.ask<Session>('GET', `/api/v1/sessions/${sessionId}`);
  expect(shown.body.attempts[0]?.error.said).toBe('too busy for Xxxxxxx');
  expect(JSON.stringify(shown.body)).not.toContain('Zwingli');
});

test('no word of a receiver is in the log', () => {
  expect(logged.length).toBeGreaterThan(10);
  const told = logged.filter((line) =>
    [BAD_LOOKUP, READ_ONLY, 'busy', 'Zwingli'].some((said) => line.includes(said)),
  );
  expect(told).toEqual([]);
});
