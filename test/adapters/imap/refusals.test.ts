import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { connect as connectSecure, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import imapIn from '../../../adapters/imap/imap-in.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { type BareImapOptions, bareImap } from '../../support/bare-imap.ts';
import { certificates } from '../../support/certificates.ts';
import { type ImapLab, imapLab } from '../../support/imap-lab.ts';
import { hasMailServers, USERS } from '../../support/mail-server.ts';
import { type OpenedInbound, openInbound } from '../../support/open-adapter.ts';

const BOB = 'bob@lab.example';
const PASSWORD: Credential = { kind: 'basic', user: BOB, password: USERS[BOB] };

interface Outcome {
  readonly code: string;
  readonly message: string;
}

/** How the service fares with a server that answers so: its error, or what it tells operators. */
async function outcome(options: Partial<BareImapOptions>): Promise<Outcome & { tries: number }> {
  await using files = await certificates();
  await using peer = await bareImap({
    certificate: files.server,
    capabilities: ['AUTH=PLAIN'],
    signIn: () => 'OK welcome',
    ...options,
  });
  const given = {
    connect: `localhost:${peer.port}`,
    tls: { trust: files.trust },
    credential: 'mailbox',
    afterwards: 'seen',
    every: '20ms',
    connectTimeout: '1s',
  };
  const opened = await openInbound(imapIn, given, { credentials: { mailbox: PASSWORD } }).catch(
    (error: Outcome) => error,
  );
  if (!('events' in opened)) return { ...plain(opened), tries: peer.signIns.length };
  await using service: OpenedInbound = opened;
  await vi.waitFor(() => {
    expect(
      service.lost.length + service.events.filter(({ level }) => level === 'error').length,
    ).toBeGreaterThan(0);
  });
  const [lost] = service.lost as unknown as readonly Outcome[];
  const told = { code: 'told', message: service.events.at(-1)?.text ?? '' };
  return { ...plain(lost ?? told), tries: peer.signIns.length };
}

const plain = ({ code, message }: Outcome): Outcome => ({ code, message });

const LATER = 'ADAPTER_TEMPORARY';
const NOT_CONNECTED = 'ADAPTER_NOT_CONNECTED';
/** As Exchange Online says it. */
const THROTTLED = 'BAD Request is throttled. Suggested Backoff Time: 100 milliseconds';

test.for([
  ['NO [AUTHENTICATIONFAILED] no', 'told', /refused the sign-in .*Check user and password/],
  ['NO no', 'told', /refused the sign-in with PLAIN \(NO\).*Check user and password/],
  ['NO [EXPIRED] no', 'told', /PLAIN \(EXPIRED\).*The password has expired/],
  ['NO [AUTHORIZATIONFAILED] no', 'told', /may not use this mailbox/],
  ['NO [CONTACTADMIN] no', 'told', /locked or switched off: ask those who run the server/],
  ['NO [UNAVAILABLE] no', LATER, /does not let us sign in now \(NO \[UNAVAILABLE\]\): a part of/],
  ['NO [LIMIT] no', LATER, /\(NO \[LIMIT\]\): the account has too many connections/],
  ['NO [INUSE] no', LATER, /\(NO \[INUSE\]\): somebody else is using the mailbox/],
  ['NO [SERVERBUG] no', LATER, /internal fault/],
  ['* BYE [UNAVAILABLE] no', LATER, /closed the connection \(BYE \[UNAVAILABLE\]\): a part of/],
  [THROTTLED, LATER, /asks for fewer requests\. They continue after a pause/],
  ['* BYE too many', NOT_CONNECTED, /closed the connection \(BYE\)/],
] as const)('a sign-in that is answered with %s', async ([answer, code, text]) => {
  expect(await outcome({ signIn: () => answer })).toEqual({
    code,
    message: expect.stringMatching(text),
    tries: 1,
  });
});

test.for([
  ['* BYE [UNAVAILABLE] shutting down', LATER, /BYE \[UNAVAILABLE\]/],
  ['* BYE [LIMIT] too many connections', LATER, /BYE \[LIMIT\]\): the account has too many/],
  ['* BYE go away', NOT_CONNECTED, /closed the connection \(BYE\)/],
] as const)('a greeting %s', async ([greeting, code, text]) => {
  expect(await outcome({ greeting })).toEqual({
    code,
    message: expect.stringMatching(text),
    tries: 0,
  });
});

test.for([
  ['SELECT', 'NO [INUSE] locked', LATER, /^The folder INBOX cannot be opened \(NO \[INUSE\]\)/],
  ['SELECT', 'NO [UNAVAILABLE] later', LATER, /cannot be opened .*a part of the server/],
  ['SELECT', 'NO [NONEXISTENT] none', NOT_CONNECTED, /there is no such folder/],
  ['SELECT', 'NO [NOPERM] none', NOT_CONNECTED, /the account has no access to it/],
  ['SELECT', 'NO none', NOT_CONNECTED, /it does not exist, or this account has no access/],
  [
    'SELECT',
    'BAD User is authenticated but not connected.',
    NOT_CONNECTED,
    /the sign-in succeeded, but the account may not open this mailbox/,
  ],
  ['SELECT', 'NO [OVERQUOTA] full', LATER, /cannot be opened .*the mailbox is full\. Have it clea/],
  ['SELECT', THROTTLED, LATER, /asks for fewer requests/],
  ['SEARCH', THROTTLED, LATER, /asks for fewer requests/],
  ['SEARCH', 'NO [UNAVAILABLE] later', LATER, /refused to search the folder .*a part of/],
  ['SEARCH', 'NO [LIMIT] later', LATER, /too many connections or requests/],
  [
    'SEARCH',
    'NO [BADCHARSET (UTF-8)] no',
    NOT_CONNECTED,
    /may not support the characters or words/,
  ],
  ['SEARCH', '* BYE [UNAVAILABLE] shutting down', LATER, /BYE \[UNAVAILABLE\]/],
  ['SEARCH', '* BYE idle for too long', NOT_CONNECTED, /closed the connection \(BYE\)/],
] as const)('%s that is answered with %s', async ([command, answer, code, text]) => {
  const instead = (name: string): string | undefined => (name === command ? answer : undefined);
  expect(await outcome({ instead })).toEqual({
    code,
    message: expect.stringMatching(text),
    tries: 1,
  });
});

describe.runIf(await hasMailServers())('with Dovecot', () => {
  let lab: ImapLab;
  beforeAll(async () => {
    lab = await imapLab();
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  test('an account with too many connections is let in again once one is closed', async () => {
    await using box = await lab.box();
    const others = await crowd(lab, 10);
    try {
      await expect(lab.open(box)).rejects.toMatchObject({
        code: LATER,
        message: expect.stringMatching(/too many connections/),
      });
    } finally {
      for (const other of others) other.destroy();
    }
    await vi.waitFor(
      async () => {
        await using opened = await lab.open(box);
        await vi.waitFor(() => expect(opened.states.at(-1)?.state).toBe('connected'));
      },
      { timeout: 8_000, interval: 200 },
    );
  });

  test('a session that the server ends is told with its goodbye, and is made anew', async () => {
    await using box = await lab.box();
    const configuration = join(lab.server.folder, 'dovecot/dovecot.conf');
    // The goodbye is lost with the reset where a command of ours crosses it.
    await vi.waitFor(async () => {
      await using opened = await lab.open(box);
      await vi.waitFor(() => expect(opened.states.at(-1)?.state).toBe('connected'));
      await promisify(execFile)('doveadm', ['-c', configuration, 'kick', BOB]);
      await vi.waitFor(() => expect(opened.lost).toHaveLength(1), { timeout: 5_000 });
      expect(opened.lost[0]?.message).toMatch(/closed the connection \(BYE/);
    });
    await using again = await lab.open(box);
    await vi.waitFor(() => expect(again.states.at(-1)?.state).toBe('connected'));
  });
});

/** So many connections of the account, signed in as far as the server lets them. */
async function crowd({ server }: ImapLab, count: number): Promise<readonly TLSSocket[]> {
  const port = server.ports.imaps;
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connectSecure({ host: '127.0.0.1', port, rejectUnauthorized: false });
      socket.on('error', () => undefined);
      socket.write(`a LOGIN ${BOB} "${USERS[BOB]}"\r\n`);
      let heard = '';
      for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
        heard += String(chunk);
        if (/^a /m.test(heard)) break;
      }
      return socket;
    }),
  );
}
