import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import imapIn from '../../../adapters/imap/imap-in.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { type BareImap, type BareImapOptions, bareImap } from '../../support/bare-imap.ts';
import { type Certificates, certificates } from '../../support/certificates.ts';
import { hasMailServers, type MailServer, mailServer, USERS } from '../../support/mail-server.ts';
import { type OpenedInbound, openInbound, testSteps } from '../../support/open-adapter.ts';

/** Protocol and cipher, names and expiry, chain. */
const HANDSHAKE =
  /^TLSv1\.3 TLS_\w+; CN=localhost, .*valid until \d{4}-\d\d-\d\d, for DNS:localhost.*; sent with/;

const BOB = 'bob@lab.example';
const PASSWORD: Credential = { kind: 'basic', user: BOB, password: USERS[BOB] };
const OK = 'OK welcome';
const NO = 'NO [AUTHENTICATIONFAILED] no';

interface Lab extends AsyncDisposable {
  readonly peer: BareImap;
  readonly files: Certificates;
  readonly given: Readonly<Record<string, unknown>>;
  open(credential?: Credential, more?: Record<string, unknown>): Promise<OpenedInbound>;
}

async function lab(options: Partial<BareImapOptions> = {}): Promise<Lab> {
  const files = await certificates();
  const peer = await bareImap({
    certificate: files.server,
    capabilities: ['AUTH=PLAIN', 'AUTH=LOGIN'],
    signIn: () => OK,
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
  return {
    peer,
    files,
    given,
    open: (mailbox = PASSWORD, more = {}) =>
      openInbound(imapIn, { ...given, ...more }, { credentials: { mailbox } }),
    async [Symbol.asyncDispose]() {
      await peer[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

function tokens(...values: string[]): Extract<Credential, { kind: 'oauth2' | 'bearer' }> & {
  readonly asked: boolean[];
} {
  const asked: boolean[] = [];
  let at = 0;
  return {
    kind: 'oauth2',
    user: BOB,
    asked,
    async token(_signal, { fresh = false, refused } = {}) {
      asked.push(fresh);
      expect(refused).toBe(fresh ? values[at] : undefined);
      if (fresh) at += 1;
      return values[at] ?? '';
    },
  };
}

describe('the mechanism', () => {
  test.for([
    { capabilities: ['AUTH=PLAIN', 'AUTH=LOGIN'], used: 'PLAIN' },
    { capabilities: ['AUTH=LOGIN'], used: 'LOGIN' },
    { capabilities: [], used: 'LOGIN command' },
    { capabilities: ['AUTH=XOAUTH2', 'AUTH=PLAIN'], used: 'PLAIN' },
  ])('of a password with $capabilities is $used', async ({ capabilities, used }) => {
    await using one = await lab({ capabilities });
    await using opened = await one.open();
    expect(one.peer.signIns.map(({ mechanism }) => mechanism)).toEqual([used]);
    await vi.waitFor(() => expect(opened.states.at(-1)?.state).toBe('connected'));
  });

  test.for([
    { capabilities: ['AUTH=XOAUTH2', 'AUTH=OAUTHBEARER'], mechanism: 'auto', used: 'OAUTHBEARER' },
    { capabilities: ['AUTH=XOAUTH2', 'AUTH=OAUTHBEARER'], mechanism: 'XOAUTH2', used: 'XOAUTH2' },
    { capabilities: ['AUTH=XOAUTH2', 'AUTH=PLAIN'], mechanism: 'auto', used: 'XOAUTH2' },
  ])(
    'of a token with $capabilities and $mechanism is $used',
    async ({ capabilities, mechanism, used }) => {
      await using one = await lab({ capabilities });
      await using opened = await one.open(tokens('t1'), { mechanism });
      expect(one.peer.signIns.map((tried) => tried.mechanism)).toEqual([used]);
      expect(opened.lost).toEqual([]);
    },
  );

  test('that is offered and refused is followed by the next, and operators see both', async () => {
    await using one = await lab({
      signIn: (mechanism) =>
        mechanism === 'LOGIN' || mechanism === 'LOGIN command' ? OK : 'NO [CANNOT] not this one',
    });
    await using opened = await one.open();
    await vi.waitFor(() => expect(opened.events).toHaveLength(1));
    expect(opened.events[0]?.text).toMatch(
      /signed in with LOGIN \(offered: PLAIN, LOGIN; refused before: PLAIN \(CANNOT\)\)/,
    );
  });

  test('that is not offered for the kind of credential ends with what is', async () => {
    await using one = await lab({ capabilities: ['AUTH=PLAIN', 'LOGINDISABLED'] });
    await expect(one.open(tokens('t1'))).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(
        /offers PLAIN, none of which works with a credential of kind oauth2/,
      ),
    });
    expect(one.peer.signIns).toEqual([]);
  });
});

describe('a refused sign-in', () => {
  test('is not repeated every few seconds, which would lock the account', async () => {
    await using one = await lab({ signIn: () => NO });
    await using opened = await one.open();
    expect(opened.states.at(-1)).toMatchObject({
      state: 'disconnected',
      detail: expect.stringMatching(
        /refused the sign-in with PLAIN \(AUTHENTICATIONFAILED\); it offers PLAIN, LOGIN/,
      ),
    });
    expect(opened.events).toMatchObject([{ level: 'error', name: 'refused' }]);
    expect(opened.lost).toEqual([]);
    expect(one.peer.signIns).toHaveLength(1);
  });

  test('that the server only cannot check now is repeated soon', async () => {
    await using one = await lab({ signIn: () => 'NO [UNAVAILABLE] later' });
    await expect(one.open()).rejects.toMatchObject({ code: 'ADAPTER_TEMPORARY' });
    expect(one.peer.signIns).toHaveLength(1);
  });

  test('of a token renews it once, on a connection of its own', async () => {
    await using one = await lab({
      capabilities: ['AUTH=XOAUTH2', 'SASL-IR'],
      signIn: (_mechanism, secret) => (secret.includes('Bearer good') ? OK : NO),
    });
    const credential = tokens('expired', 'good');
    await using opened = await one.open(credential);
    expect(credential.asked).toEqual([false, true]);
    expect(opened.lost).toEqual([]);
    expect(one.peer.signIns).toHaveLength(2);
  });

  test('is named in the connection test with what to do, and quotes no secret', async () => {
    await using one = await lab({ signIn: () => NO });
    const steps = await testSteps(imapIn, one.given, { credentials: { mailbox: PASSWORD } });
    expect(steps.at(-1)).toMatchObject({
      name: 'sign-in',
      result: 'failed',
      cause: expect.stringMatching(/refused the sign-in with PLAIN/),
      remedy: expect.stringMatching(/Check user and password/),
    });
    expect(JSON.stringify(steps)).not.toContain(USERS[BOB]);
  });
});

test('a server without IDLE is looked at now and then', async () => {
  await using one = await lab();
  await using opened = await one.open();
  const searches = () => one.peer.commands.filter((command) => /SEARCH/.test(command)).length;
  await vi.waitFor(() => expect(searches()).toBeGreaterThan(2));
  expect(opened.states.at(-1)?.detail).toContain('looks every 20 ms');
});

test('a search that the server refuses is no empty folder', async () => {
  await using one = await lab({ refuses: /SEARCH/ });
  await using opened = await one.open(PASSWORD, { subject: 'Befund' });
  await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
  expect(opened.lost[0]?.message).toMatch(/refused to search the folder/);
});

/** Three mails: what the server says of them, each by its number. */
const TOLD = (uid: string): string =>
  `${uid} FETCH (UID ${uid} RFC822.SIZE 6 INTERNALDATE "01-Jan-2026 00:00:00 +0000" ENVELOPE (NIL "s${uid}" NIL NIL NIL NIL NIL NIL NIL "<${uid}@x>"))`;
const THREE = (command: string): readonly string[] | undefined => {
  const [name, uids = ''] = command.split(' ');
  if (name === 'SELECT') return ['3 EXISTS', 'OK [UIDVALIDITY 7] ok', 'OK [UIDNEXT 4] ok'];
  if (name === 'SEARCH') return ['SEARCH 1 2 3'];
  if (name !== 'FETCH') return undefined;
  if (command.includes('BODY'))
    return [`${uids} FETCH (UID ${uids} BODY[]<0> {6}\r\n\r\nt${uids}\r\n)`];
  // of the last of several the server tells a part only
  const told = uids.split(',');
  return told.map((uid, at) => (at === 1 ? `${uid} FETCH (UID ${uid} FLAGS ())` : TOLD(uid)));
};

test.for([
  { name: 'tells of several mails in part', refuses: undefined },
  { name: 'refuses to tell of several mails', refuses: /^FETCH \d,/ },
])('where the server $name, each is asked about by itself and taken', async ({ refuses }) => {
  await using one = await lab({ says: THREE, ...(refuses && { refuses }) });
  await using opened = await one.open(PASSWORD, { afterwards: 'keep', take: 'text' });
  await vi.waitFor(() => expect(opened.delivered).toHaveLength(3));
  expect(opened.delivered.map(({ name, body }) => [name, body.toString().trim()])).toEqual([
    ['s1', 't1'],
    ['s2', 't2'],
    ['s3', 't3'],
  ]);
  const asked = one.peer.commands.filter((command) => /^FETCH .*ENVELOPE/.test(command));
  const about = asked.map((command) => command.split(' ')[1]);
  expect(about).toEqual(refuses ? ['1', '2,3', '2', '3'] : ['1', '2,3', '3']);
  expect(opened.lost).toEqual([]);
});

test('a server with a certificate of an unknown authority gets no sign-in', async () => {
  await using one = await lab();
  await expect(one.open(PASSWORD, { tls: {} })).rejects.toMatchObject({
    code: 'ADAPTER_NOT_CONNECTED',
    message: expect.stringMatching(/signed by an authority that is not trusted here/),
  });
  expect(one.peer.signIns).toEqual([]);
});

describe.runIf(await hasMailServers())('with Dovecot', () => {
  let server: MailServer;
  beforeAll(async () => {
    server = await mailServer();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  const given = (more: Record<string, unknown> = {}) => ({
    connect: `localhost:${server.ports.imaps}`,
    tls: { trust: server.trust },
    credential: 'mailbox',
    ...more,
  });
  const token = (...lifetimes: number[]): Credential => {
    let at = 0;
    return {
      kind: 'oauth2',
      user: BOB,
      token: (_signal, { fresh = false } = {}) => {
        if (fresh) at += 1;
        return server.token(BOB, lifetimes[at] ?? -600);
      },
    };
  };

  test.for([
    { mechanism: 'auto', credential: () => PASSWORD, used: 'PLAIN' },
    { mechanism: 'LOGIN', credential: () => PASSWORD, used: 'LOGIN' },
    { mechanism: 'auto', credential: () => token(600), used: 'OAUTHBEARER' },
    { mechanism: 'XOAUTH2', credential: () => token(600), used: 'XOAUTH2' },
    { mechanism: 'XOAUTH2', credential: () => token(-600, 600), used: 'XOAUTH2' },
  ])('$mechanism signs in with $used', async ({ mechanism, credential, used }) => {
    await using opened = await openInbound(imapIn, given({ mechanism }), {
      credentials: { mailbox: credential() },
    });
    await vi.waitFor(() =>
      expect(opened.states.at(-1)?.detail).toContain(`signed in with ${used} (offered: `),
    );
  });

  test('an authority that is not trusted is named after STARTTLS, with the chain', async () => {
    const starttls = given({
      connect: `localhost:${server.ports.imap}`,
      security: 'starttls',
      tls: {},
    });
    const steps = await testSteps(imapIn, starttls, { credentials: { mailbox: PASSWORD } });
    expect(steps.at(-1)).toMatchObject({
      name: 'TLS',
      result: 'failed',
      detail: expect.stringMatching(HANDSHAKE),
      cause: expect.stringMatching(/not trusted here/),
    });
  });

  test.for([
    ['tls', 'imap', /begins in plain text/, 'Set security: starttls', /answers in plain text/],
    ['starttls', 'imaps', /speaks TLS from the start/, 'Set security: tls', /may speak TLS/],
  ] as const)(
    'security %s on the port of %s is told with the setting to change',
    async ([security, port, cause, remedy, met]) => {
      const wrong = given({ connect: `localhost:${server.ports[port]}`, security });
      const steps = await testSteps(imapIn, wrong, { credentials: { mailbox: PASSWORD } });
      expect(steps.at(-1)).toMatchObject({
        name: 'TLS',
        result: 'failed',
        cause: expect.stringMatching(cause),
        remedy,
      });
      const opening = openInbound(
        imapIn,
        { ...wrong, connectTimeout: '1s' },
        { credentials: { mailbox: PASSWORD } },
      );
      await expect(opening).rejects.toMatchObject({ message: expect.stringMatching(met) });
    },
  );

  test('STARTTLS encrypts before the sign-in', async () => {
    const starttls = given({
      connect: `localhost:${server.ports.imap}`,
      security: 'starttls',
      archive: 'Elsewhere',
    });
    const steps = await testSteps(imapIn, starttls, { credentials: { mailbox: PASSWORD } });
    expect(steps.map(({ name, result }) => `${name} ${result}`)).toEqual([
      'name passed',
      'TCP passed',
      'TLS passed',
      'sign-in passed',
      'folder passed',
    ]);
    expect(steps[2]?.detail).toMatch(HANDSHAKE);
    expect(steps.at(-1)?.detail).toMatch(
      /INBOX has \d+ mails; the server reports new mails at once; Elsewhere will be created/,
    );
  });

  test('a folder that is not there is named in the connection test', async () => {
    const steps = await testSteps(imapIn, given({ folder: 'Nowhere' }), {
      credentials: { mailbox: PASSWORD },
    });
    expect(steps.at(-1)).toMatchObject({
      name: 'folder',
      result: 'failed',
      cause: expect.stringMatching(/the folder Nowhere cannot be opened/),
    });
  });
});
