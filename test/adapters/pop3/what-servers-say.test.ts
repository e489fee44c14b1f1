import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import pop3In from '../../../adapters/pop3/pop3-in.ts';
import { type Credential, RejectedError } from '../../../src/adapter/index.ts';
import { type BarePop3, type BarePop3Options, barePop3 } from '../../support/bare-pop3.ts';
import { type Certificates, certificates } from '../../support/certificates.ts';
import { type OpenedInbound, openInbound, testSteps } from '../../support/open-adapter.ts';

const PASSWORD = { kind: 'basic', user: 'bob', password: 'a-secret' } as const;

let files: Certificates;
beforeAll(async () => {
  files = await certificates();
});
afterAll(async () => {
  await files[Symbol.asyncDispose]();
});

const peerOf = (options: Partial<BarePop3Options>): Promise<BarePop3> =>
  barePop3({ certificate: files.server, ...options });

const given = (peer: BarePop3, more: Record<string, unknown> = {}) => ({
  connect: `localhost:${peer.port}`,
  tls: { trust: files.trust },
  credential: 'mailbox',
  take: 'mail',
  every: '20ms',
  connectTimeout: '1s',
  ...more,
});

const openAt = (
  peer: BarePop3,
  more: Record<string, unknown> = {},
  mailbox: Credential = PASSWORD,
  memory?: string,
): Promise<OpenedInbound> =>
  openInbound(pop3In, given(peer, more), {
    credentials: { mailbox },
    ...(memory === undefined ? {} : { memory }),
  });

const mail = (text: string, more = ''): string =>
  `Message-ID: <${text.length}@x>\r\n${more}Subject: s\r\n\r\n${text}\r\n`;

/** What becomes of the service: its error, or what operators are told. */
async function outcome(peer: BarePop3, more: Record<string, unknown> = {}): Promise<string> {
  const opened = await openAt(peer, more).catch((error: Error & { code: string }) => error);
  if (opened instanceof Error) return `${opened.code}: ${opened.message}`;
  await using service = opened;
  return await vi.waitFor(() => {
    const [lost] = service.lost as (Error & { code: string })[];
    const told = service.events.find(({ level }) => level !== 'info');
    if (lost === undefined && told === undefined) throw new Error('nothing is told');
    return lost === undefined ? `told: ${told?.text}` : `${lost.code}: ${lost.message}`;
  });
}

const onPass = (answer: string) => ({
  instead: (line: string) => (line.startsWith('PASS') ? `${answer}\r\n` : undefined),
});
const onCommand = (command: string, answer: string) => ({
  mails: new Map([['u1', mail('x')]]),
  instead: (line: string) => (line.startsWith(command) ? answer : undefined),
});

test.for<[string, Partial<BarePop3Options>, RegExp]>([
  ['IN-USE', onPass('-ERR [IN-USE] later'), /^ADAPTER_TEMPORARY: .*another session holds/],
  ['a lock, in words', onPass('-ERR maildrop is locked'), /^ADAPTER_TEMPORARY: .*another session/],
  ['LOGIN-DELAY', onPass('-ERR [LOGIN-DELAY] x'), /^ADAPTER_TEMPORARY: .*longer time/],
  ['SYS/TEMP', onPass('-ERR [SYS/TEMP] x'), /^ADAPTER_TEMPORARY: .*passing fault/],
  ['SYS/PERM', onPass('-ERR [SYS/PERM] x'), /^ADAPTER_NOT_CONNECTED: .*cannot open the mailbox/],
  ['AUTH', onPass('-ERR [AUTH] no'), /^told: .*refused the sign-in with USER \(-ERR \[AUTH\]\)/],
  ['no code', onPass('-ERR no'), /^told: .*refused the sign-in with USER \(-ERR\); it offers USER/],
  ['no mechanism', { capabilities: ['SASL NTLM'] }, /offers NTLM, none of which works with/],
  ['no UIDL', onCommand('UIDL', '-ERR what\r\n'), /^ADAPTER_NOT_CONNECTED: .*refused UIDL/],
  ['no greeting', { greeting: '-ERR busy\r\n' }, /^ADAPTER_TEMPORARY: .*another session/],
  ['turned away', { greeting: '-ERR go\r\n' }, /turned us away with its greeting/],
  ['another protocol', { greeting: '220 smtp\r\n' }, /does not answer as a POP3 server/],
  ['a line without end', { greeting: 'x'.repeat(20_000) }, /does not answer as a POP3 server/],
  ['a close', onCommand('RETR', ''), /^ADAPTER_NOT_CONNECTED: .*closed the connection/],
  ['an unreadable mail', onCommand('RETR', '-ERR x\r\n'), /^told: The mail number 1 is not given/],
  ['no DELE', onCommand('DELE', '-ERR no\r\n'), /^told: The mail number 1 was taken but could not/],
  ['no deletion', onCommand('QUIT', '-ERR no\r\n'), /^told: The server did not delete mails/],
])('%s is told in words, and quotes nothing', async ([, options, expected]) => {
  await using peer = await peerOf(options);
  const said = await outcome(peer);
  expect(said).toMatch(expected);
  expect(said).not.toContain('a-secret');
});

test('a wrong password is sent once', async () => {
  await using peer = await peerOf(onPass('-ERR [AUTH] no'));
  await using opened = await openAt(peer);
  expect(opened.states.at(-1)).toMatchObject({ state: 'disconnected' });
  expect(opened.events).toMatchObject([{ level: 'error', name: 'refused' }]);
  expect(peer.commands.filter((line) => line.startsWith('PASS'))).toHaveLength(1);
  const steps = await testSteps(pop3In, given(peer), { credentials: { mailbox: PASSWORD } });
  expect(steps.at(-1)).toMatchObject({
    name: 'sign-in',
    result: 'failed',
    remedy: expect.stringMatching(/Check user and password/),
  });
});

test('a refused token is renewed once', async () => {
  const shown: string[] = [];
  await using peer = await peerOf({
    capabilities: ['SASL PLAIN XOAUTH2', 'UIDL'],
    instead(line) {
      if (line.startsWith('AUTH ')) return '+ \r\n';
      if (line === '') return '-ERR [AUTH] no\r\n';
      const proof = Buffer.from(line, 'base64').toString();
      if (!proof.includes('Bearer')) return undefined;
      shown.push(proof);
      return proof.includes('good') ? '+OK\r\n' : '+ e30=\r\n';
    },
  });
  const token: Credential = {
    kind: 'oauth2',
    user: 'bob',
    token: async (_, { fresh = false, refused } = {}) =>
      fresh && refused === 'old' ? 'good' : 'old',
  };
  await using opened = await openAt(peer, {}, token);
  await vi.waitFor(() => expect(opened.states.at(-1)?.detail).toContain('signed in with XOAUTH2'));
  expect(shown).toEqual(['old', 'good'].map((one) => `user=bob\x01auth=Bearer ${one}\x01\x01`));
});

test('a line break in a password begins no command', async () => {
  await using peer = await peerOf({});
  const password = 'x\r\nDELE 1';
  await using opened = await openAt(peer, {}, { kind: 'basic', user: 'bob', password });
  expect(opened.events).toMatchObject([{ name: 'refused' }]);
  expect(peer.commands.filter((line) => /^(?:PASS|DELE)/.test(line))).toEqual([]);
});

describe('STLS', () => {
  const starttls = { security: 'starttls' };

  test('is done before anything secret is said', async () => {
    await using peer = await peerOf({ stls: '', mails: new Map([['u1', mail('x')]]) });
    await using opened = await openAt(peer, starttls);
    await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
    expect(peer.commands.slice(0, 3)).toEqual(['STLS', 'CAPA', 'USER bob']);
  });

  test('that is refused ends the connection', async () => {
    await using peer = await peerOf({
      stls: '',
      instead: (line) => (line === 'STLS' ? '-ERR no\r\n' : undefined),
    });
    expect(await outcome(peer, starttls)).toMatch(/does not offer encryption \(STLS\)/);
    expect(peer.commands).toEqual(['STLS']);
  });

  test('with something behind the agreement is a person in between', async () => {
    await using peer = await peerOf({ stls: '+OK injected\r\n' });
    expect(await outcome(peer, starttls)).toMatch(/inserted data/);
    expect(peer.commands).toEqual(['STLS']);
  });

  test('on a port that waits for TLS is told', async () => {
    await using peer = await peerOf({});
    expect(await outcome(peer, starttls)).toMatch(/speak TLS from the start \(port 995\)/);
  });
});

test.for([1, 2, 3, 5, 1_000])(
  'lines that begin with dots arrive as they were, in pieces of %i',
  async (pieces) => {
    const texts = ['.', '..\r\n.', 'a\r\n.b\r\n..c\r\n\r\n.\r\n', '\r\n\r\n', 'end.'];
    const mails = new Map(texts.map((text, at) => [`u${at}`, mail(text)]));
    await using peer = await peerOf({ pieces, mails });
    await using opened = await openAt(peer);
    await vi.waitFor(() => expect(opened.delivered).toHaveLength(texts.length));
    expect(opened.delivered.map(({ body }) => body.toString('latin1'))).toEqual(
      texts.map((text) => mail(text)),
    );
  },
);

test('an empty mail is no end of the connection', async () => {
  const mails = new Map([
    ['u1', ''],
    ['u2', mail('x')],
  ]);
  await using peer = await peerOf({ mails });
  await using opened = await openAt(peer);
  await vi.waitFor(() => expect(mails.size).toBe(0));
  expect(opened.lost).toEqual([]);
  expect(opened.delivered.at(-1)?.body.toString()).toBe(mail('x'));
});

test('a session that is cut at QUIT takes nothing again, and deletes what was taken', async () => {
  const mails = new Map([['u1', mail('x')]]);
  let cuts = 1;
  await using peer = await peerOf({
    mails,
    instead: (line) => (line === 'QUIT' && cuts-- > 0 ? '' : undefined),
  });
  const first = await openAt(peer);
  await vi.waitFor(() => expect(first.lost).toHaveLength(1));
  await first.close();
  expect(mails.size).toBe(1);
  await using second = await openAt(peer, {}, PASSWORD, first.memory);
  await vi.waitFor(() => expect(mails.size).toBe(0));
  expect([...first.delivered, ...second.delivered]).toHaveLength(1);
});

test('a name that the server gives again after the deletion is another mail', async () => {
  const mails = new Map([['1', mail('first')]]);
  await using peer = await peerOf({ mails });
  await using opened = await openAt(peer);
  await vi.waitFor(() => expect(mails.size).toBe(0));
  mails.set('1', mail('second'));
  await vi.waitFor(() => expect(opened.delivered).toHaveLength(2));
});

test('the memory of another mailbox says nothing of this one', async () => {
  await using peer = await peerOf({ mails: new Map([['1', mail('hers')]]) });
  const first = await openAt(peer, { afterwards: 'keep' });
  await vi.waitFor(() => expect(first.delivered).toHaveLength(1));
  await first.close();
  await using second = await openAt(
    peer,
    { afterwards: 'keep' },
    { kind: 'basic', user: 'alice', password: 'p' },
    first.memory,
  );
  await vi.waitFor(() => expect(second.delivered).toHaveLength(1));
});

test('only mails of a sender and with a subject are read; others are asked about once', async () => {
  const wanted = mail('wanted', 'From: Lab <LAB@x.example>\r\n');
  const mails = new Map([
    ['u1', mail('other', 'From: ward@x.example\r\n')],
    ['u2', wanted],
  ]);
  await using peer = await peerOf({ mails });
  const first = await openAt(peer, { from: 'lab@', subject: 'S' });
  const asked = (command: string) => peer.commands.filter((line) => line.startsWith(command));
  await vi.waitFor(() => expect(asked('QUIT').length).toBeGreaterThan(2));
  await first.close();
  expect(first.delivered.map(({ body }) => body.toString())).toEqual([wanted]);
  expect([...mails.keys()]).toEqual(['u1']);
  expect(asked('TOP')).toEqual(['TOP 1 0', 'TOP 2 0']);
  await using second = await openAt(peer, { from: 'ward' }, PASSWORD, first.memory);
  await vi.waitFor(() => expect(second.delivered).toHaveLength(1));
});

test('a mail above the limit is not fetched, told once, and does not hold up the next', async () => {
  const mails = new Map([
    ['u1', mail('x'.repeat(5_000))],
    ['u2', mail('y')],
  ]);
  await using peer = await peerOf({ mails });
  await using opened = await openAt(peer, { limit: '2KB' });
  await vi.waitFor(() => expect([...mails.keys()]).toEqual(['u1']));
  const quits = (): number => peer.commands.filter((line) => line === 'QUIT').length;
  const before = quits();
  await vi.waitFor(() => expect(quits()).toBeGreaterThan(before + 1));
  expect(opened.delivered).toHaveLength(1);
  expect(opened.events.filter(({ name }) => name === 'mail-refused')).toHaveLength(1);
  expect(peer.commands).not.toContain('RETR 1');
});

test('a mail that the engine refuses for good while it is read does not hold up the next', async () => {
  const mails = new Map([
    ['u1', mail('x'.repeat(2_000_000))],
    ['u2', mail('y')],
  ]);
  await using peer = await peerOf({ mails, pieces: 50_000 });
  await using opened = await openAt(peer, { every: '10m' });
  opened.refuse(new RejectedError('No. Never.'));
  await vi.waitFor(() => expect(peer.commands).toContain('QUIT'));
  expect(opened.events.map(({ name }) => name)).toEqual([
    'sign-in',
    'mail-refused',
    'mail-refused',
  ]);
  expect(opened.lost).toEqual([]);
  expect(mails.size).toBe(2);
});
