import { createServer } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import sqlOut from '../../../adapters/sql/sql-out.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import { SECRET_MARKER } from '../../contract/marker.ts';
import { openOutbound, testSteps } from '../../support/open-adapter.ts';
import { hasNtlm, startSamba } from '../../support/samba.ts';
import { type PeerDatabase, sqlServerDatabase, USER } from '../../support/sql-databases.ts';
import { sqlBrowser } from '../../support/tds/sql-browser.ts';

const TOKEN = 'eyJ.entra.token';
const database = await sqlServerDatabase({ token: { text: TOKEN, login: 'waybill-app@tenant' } });
const { peer } = database;
afterAll(() => database[Symbol.asyncDispose]());

type Given = Readonly<Record<string, unknown>>;

const options = (of: PeerDatabase): typeof of.options => ({
  ...of.options,
  credentials: {
    ...of.options.credentials,
    entra: { kind: 'bearer', token: async () => TOKEN },
    stale: { kind: 'bearer', token: async () => 'stale' },
    windows: { kind: 'ntlm', user: 'svc', password: 'x', domain: 'LAB' },
    homeless: { kind: 'ntlm', user: 'svc', password: 'x' },
  },
});
const given = (more: Given, of: PeerDatabase): Given => ({
  ...of.given(),
  statements: 'SELECT 1 AS one',
  ...more,
});
const opened = (more: Given, of = database): ReturnType<typeof openOutbound> =>
  openOutbound(sqlOut, given(more, of), options(of));
const tried = (more: Given, of = database): ReturnType<typeof testSteps> =>
  testSteps(sqlOut, given(more, of), options(of));
const lastLogin = (of = database): (typeof peer.logins)[number] | undefined =>
  of.peer.logins.at(-1);
const faultsOf = async (more: Given): Promise<string[]> => {
  const faults = (await sqlOut.check?.({ ...CHECKED, ...more } as never)) ?? [];
  return faults.map(({ path, what }) => `${path.join('.')}: ${what}`);
};
const CHECKED = {
  product: 'sqlserver',
  connect: { host: 'db.example', port: 1433 },
  credential: 'clinic',
  security: 'tls',
  statements: [{}],
  readOnly: false,
};

describe('how TLS is spoken', () => {
  test('strict: TLS before the protocol, in version 1.3', async () => {
    await using out = await opened({ security: 'strict' });
    expect(out.states.at(-1)?.detail).toMatch(/TLSv1\.3/);
    expect(lastLogin()).toMatchObject({ encrypted: 'strict', user: USER });
    const steps = await tried({ security: 'strict' });
    expect(steps.filter(({ result }) => result !== 'passed')).toEqual([]);
    expect(steps[2]?.detail).toMatch(/TLSv1\.3 .*localhost/);
  });

  test('strict proves the server too', async () => {
    await expect(opened({ security: 'strict', tls: {} })).rejects.toThrow(/not trusted here/);
    const tls = { trust: database.certificates.trust, serverName: 'db.example' };
    await expect(opened({ security: 'strict', tls })).rejects.toThrow(/is for other names/);
  });

  test('strict at a server that is older: what to set is said', async () => {
    const old = createServer((socket) => socket.once('data', () => socket.destroy()));
    const port = await freePort();
    old.listen(port, '127.0.0.1');
    try {
      await expect(
        opened({ security: 'strict', connect: `localhost:${port}` }),
      ).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringMatching(/TDS 8 requires.*set security: tls/),
      });
      const steps = await tried({ security: 'strict', connect: `localhost:${port}` });
      expect(steps.at(-1)).toMatchObject({
        name: 'TLS',
        result: 'failed',
        remedy: expect.stringMatching(/security: tls/),
      });
    } finally {
      old.close();
    }
  });

  test('a name is judged by verifyName and allow, as everywhere', async () => {
    const { trust } = database.certificates;
    const base = { trust, serverName: 'db.example', verifyName: false };
    await using out = await opened({ tls: { ...base, allow: ['CN=localhost'] } });
    expect(out.states.at(-1)?.detail).toMatch(/TLSv1\.2/);
    await expect(opened({ tls: { ...base, allow: ['CN=other'] } })).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
    });
  });

  test('unproven: encrypted, and said that nobody proved the server', async () => {
    await using out = await opened({ security: 'unproven', tls: undefined });
    expect(out.states.at(-1)?.detail).toMatch(/TLSv1\.2, the server is not proven/);
    expect(lastLogin()).toMatchObject({ encrypted: 'inside' });
    const steps = await tried({ security: 'unproven', tls: undefined });
    expect(steps.filter(({ result }) => result !== 'passed')).toEqual([]);
    expect(steps[2]?.detail).toMatch(/trusted although .*not trusted here/);
  });

  test('a server without TLS gets no password', async () => {
    await using off = await sqlServerDatabase({ encryption: 'off' });
    for (const security of ['tls', 'unproven']) {
      await expect(opened({ security, tls: undefined }, off)).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringMatching(/offers no TLS/),
      });
    }
    expect(off.peer.logins).toEqual([]);
    const steps = await tried({}, off);
    expect(steps.at(-1)).toMatchObject({ name: 'TLS', result: 'failed' });
    await using out = await opened({ security: 'none', tls: undefined }, off);
    expect(lastLogin(off)).toMatchObject({ encrypted: 'no' });
    expect(out.states.at(-1)?.detail).toMatch(/in clear/);
  });

  test('a server that wants TLS takes nobody in clear, and no password is sent', async () => {
    await using strict = await sqlServerDatabase({ encryption: 'required' });
    await expect(opened({ security: 'none', tls: undefined }, strict)).rejects.toMatchObject({
      code: 'ADAPTER_DISABLED',
      message: expect.stringMatching(/requires TLS/),
    });
    expect(strict.peer.logins).toEqual([]);
  });
});

describe('who signs in', () => {
  test('a SQL login: the password comes as it was, and both names of the account are told', async () => {
    await using out = await opened({ application: 'lab-feed' });
    expect(lastLogin()).toMatchObject({
      user: USER,
      password: SECRET_MARKER,
      application: 'lab-feed',
      database: 'clinic',
      isReadOnly: false,
    });
    expect(out.states.at(-1)?.detail).toMatch(/as clinic \(user dbo, SQL\)/);
  });

  test('a token of Entra', async () => {
    await using out = await opened({ credential: 'entra' });
    expect(out.states.at(-1)?.detail).toMatch(/as waybill-app@tenant/);
    expect(lastLogin()).toMatchObject({ token: TOKEN, user: '', password: '' });
    await expect(opened({ credential: 'stale' })).rejects.toMatchObject({
      code: 'ADAPTER_DISABLED',
      message: expect.stringMatching(/18456/),
    });
  });

  test('a token is not sent in clear', async () => {
    const before = peer.logins.length;
    await expect(
      opened({ credential: 'entra', security: 'none', tls: undefined }),
    ).rejects.toMatchObject({ code: 'ADAPTER_DISABLED' });
    expect(peer.logins).toHaveLength(before);
  });

  test.runIf(hasNtlm)('a Windows account by NTLM, as Samba judges it', async () => {
    await using samba = await startSamba('Sup3r!pass');
    await using server = await sqlServerDatabase({ ntlm: () => samba.judge() });
    const credentials = {
      right: { kind: 'ntlm', ...samba.account, password: 'Sup3r!pass' },
      wrong: { kind: 'ntlm', ...samba.account, password: 'wrong' },
    } as const;
    const by = (credential: string): ReturnType<typeof openOutbound> =>
      openOutbound(sqlOut, given({ credential }, server), { credentials });
    await using out = await by('right');
    expect(out.states.at(-1)?.detail).toMatch(/LABSRV.games.*NTLM/);
    await expect(by('wrong')).rejects.toMatchObject({
      code: 'ADAPTER_DISABLED',
      message: expect.stringMatching(/user or password is wrong/),
    });
  });

  test('a Windows account of a domain that the server does not trust, and one without a domain', async () => {
    await expect(opened({ credential: 'windows' })).rejects.toThrow(/domain .* not trust/);
    await expect(opened({ credential: 'homeless' })).rejects.toThrow(/has no domain/);
  });

  test('a database that is not there is told by its name, and not as a wrong password', async () => {
    await expect(opened({ database: 'nowhere' })).rejects.toMatchObject({
      code: 'ADAPTER_DISABLED',
      message: expect.stringMatching(/no database nowhere/),
    });
  });
});

describe('where the server is', () => {
  test('a named instance is asked for', async () => {
    await using browser = await sqlBrowser({ LAB: peer.port, PIPES: undefined });
    const connect = `localhost:${browser.port}`;
    await using out = await opened({ connect, instance: 'LAB' });
    expect(out.states.at(-1)?.state).toBe('connected');
    const steps = await tried({ connect, instance: 'LAB' });
    expect(steps.map(({ name }) => name)).toEqual([
      'instance',
      'name',
      'TCP',
      'TLS',
      'sign-in',
      'database',
      'statements',
    ]);
    expect(steps[0]?.detail).toBe(`LAB listens on port ${peer.port}`);
    await expect(opened({ connect, instance: 'PIPES' })).rejects.toThrow(/TCP\/IP enabled/);
    await expect(opened({ connect, instance: 'OTHER' })).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(/does not answer for the instance OTHER/),
    });
  });

  test('an availability group sends who only reads on to a copy, which is proven too', async () => {
    await using copy = await sqlServerDatabase();
    await using group = await sqlServerDatabase({
      readers: () => ({ host: '127.0.0.1', port: copy.peer.port }),
    });
    const { authority, trust } = group.certificates;
    const both = await group.certificates.file(
      'both.pem',
      authority.certificate + copy.certificates.authority.certificate,
    );
    await using out = await opened({ readOnly: true, tls: { trust: both } }, group);
    expect(out.states.at(-1)?.state).toBe('connected');
    expect(lastLogin(copy)).toMatchObject({ isReadOnly: true, encrypted: 'inside' });
    // of the copy nobody is known here
    await expect(opened({ readOnly: true, tls: { trust } }, group)).rejects.toThrow(
      /not trusted here/,
    );
    expect(copy.peer.logins).toHaveLength(1);
    await using writes = await opened({}, group);
    expect(writes.states.at(-1)?.state).toBe('connected');
    expect(lastLogin(group)).toMatchObject({ isReadOnly: false });
  });
});

describe('check', () => {
  test('says what does not go together', async () => {
    expect(await faultsOf({})).toEqual([]);
    expect(await faultsOf({ security: 'strict', product: 'postgresql' })).toEqual([
      'security: strict is for SQL Server only',
    ]);
    expect(await faultsOf({ instance: 'LAB', readOnly: true, product: 'mysql' })).toEqual([
      'instance: is for SQL Server only',
      'readOnly: is for SQL Server only',
    ]);
    expect(await faultsOf({ tls: { minimum: 'TLSv1.3' } })).toEqual([
      'tls.minimum: cannot be met with security: tls, where SQL Server uses TLS 1.2',
    ]);
    expect(await faultsOf({ security: 'unproven' })).toEqual([
      expect.stringMatching(/^security: .*not verified/),
    ]);
    expect(await faultsOf({ credential: undefined, user: 'x', tls: { certificate: 'c' } })).toEqual(
      [expect.stringMatching(/credential: .*does not accept a certificate/)],
    );
  });
});
