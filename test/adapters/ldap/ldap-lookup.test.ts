import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import ldapLookup from '../../../adapters/ldap/ldap-lookup.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { type Certificates, certificates } from '../../support/certificates.ts';
import {
  type Directory,
  noSlapd,
  READER,
  SUFFIX,
  startDirectory,
} from '../../support/directory.ts';
import { lend, type OpenOptions, testSteps } from '../../support/open-adapter.ts';

const basic = (user: string, password: string): Credential => ({ kind: 'basic', user, password });

const reader = basic(READER.name, READER.password);

describe.skipIf(noSlapd !== undefined)('a code table from OpenLDAP', () => {
  let tls: Certificates;
  let server: Directory;

  beforeAll(async () => {
    tls = await certificates();
    server = await startDirectory({
      certificate: tls.server,
      lines: ['sizelimit size.soft=3 size.hard=3 size.prtotal=unlimited'],
      ldif: Array.from(
        { length: 40 },
        (_, n) =>
          `dn: uid=d${n},ou=people,${SUFFIX}\nobjectClass: inetOrgPerson\nuid: d${n}\ncn: Doctor ${n}\nsn: ${n}\nemployeeType: doctor\nmail: d${n}@a.example\nmail: d${n}@b.example\n`,
      ).join('\n'),
    });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await tls[Symbol.asyncDispose]();
  });

  const given = (more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
    connect: `localhost:${server.securePort}`,
    tls: { trust: tls.trust },
    credential: 'reader',
    base: `ou=people,${SUFFIX}`,
    filter: '(employeeNumber=*)',
    key: 'employeeNumber',
    value: 'displayName',
    pageSize: 2,
    ...more,
  });
  const options = (credential: Credential = reader): OpenOptions => ({
    credentials: { reader: credential },
  });
  const load = async (
    more: Readonly<Record<string, unknown>> = {},
    credential: Credential = reader,
  ): Promise<Record<string, string>> => {
    const { lent } = lend(ldapLookup.settings, given(more), options(credential));
    return Object.fromEntries(await ldapLookup.load(lent));
  };
  const steps = (more: Readonly<Record<string, unknown>> = {}, credential: Credential = reader) =>
    testSteps(ldapLookup, given(more), options(credential));

  const STAFF = { 1001: 'Anna Admin', 1002: 'Ben Nurse', 1003: 'Olga Other', 1004: 'Carl Nobody' };

  test('has a row for each value of the key, by ldaps, StartTLS and without encryption', async () => {
    expect(await load()).toEqual(STAFF);
    expect(await load({ connect: `localhost:${server.port}`, security: 'starttls' })).toEqual(
      STAFF,
    );
    const plain = { connect: `localhost:${server.port}`, security: 'none', tls: undefined };
    expect(await load({ ...plain, credential: undefined })).toEqual(STAFF);
    const mails = await load({ filter: '(uid=d7)', key: 'mail', value: 'dn' });
    const dn = `uid=d7,ou=people,${SUFFIX}`;
    expect(mails).toEqual({ 'd7@a.example': dn, 'd7@b.example': dn });
    const joined = await load({ filter: '(uid=d7)', key: 'uid', value: 'mail', separator: '|' });
    expect(joined).toEqual({ d7: 'd7@a.example|d7@b.example' });
  });

  test('is read in pages beyond the limit of the server, and never cut short', async () => {
    const doctors = { filter: '(employeeType=doctor)', key: 'uid', value: 'cn' };
    expect(Object.keys(await load(doctors))).toHaveLength(40);
    await expect(load({ ...doctors, most: 39 })).rejects.toMatchObject({
      code: 'ADAPTER_DISABLED',
      message: expect.stringMatching(/more than 39 entries/),
    });
    await expect(load({ ...doctors, pageSize: 0 })).rejects.toThrow(
      /stops at fewer entries than there are \(result 4\)\..*pageSize/,
    );
    await expect(load({ filter: '(uid=nobody)' })).rejects.toThrow(/returned no rows/);
    expect(await load({ filter: '(uid=nobody)', empty: 'take' })).toEqual({});
  });

  test('is taken from the next server where the first does not answer', async () => {
    const closed = `localhost:${await freePort()}`;
    expect(await load({ connect: [closed, `localhost:${server.securePort}`] })).toEqual(STAFF);
    await expect(load({ connect: closed })).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(/nothing listens/),
    });
  });

  test('is tried step by step, with the number of its rows', async () => {
    const all = await steps();
    expect(all.map(({ name, result }) => `${name} ${result}`)).toEqual([
      'name passed',
      'TCP passed',
      'TLS passed',
      'sign-in passed',
      'base passed',
      'rows passed',
    ]);
    expect(all.at(-1)?.detail).toBe('4 rows');
    const start = await steps({ connect: `localhost:${server.port}`, security: 'starttls' });
    expect(start.find(({ name }) => name === 'TLS')?.detail).toMatch(/^TLSv1\.3/);
  });

  test.for<[string, Readonly<Record<string, unknown>>, Credential, string, RegExp, RegExp]>([
    [
      'a wrong password',
      {},
      basic(READER.name, 'mistyped'),
      'sign-in',
      /name or password is wrong/,
      /Compare account/,
    ],
    [
      'a name that is no DN',
      {},
      basic('reader', 'x'),
      'sign-in',
      /not written as the directory/,
      /DNs such as/,
    ],
    [
      'an empty password',
      {},
      basic(READER.name, ''),
      'sign-in',
      /password is empty/,
      /Give a password/,
    ],
    [
      'a wrong base',
      { base: `ou=staff,${SUFFIX}` },
      reader,
      'base',
      /no entry with the name of base/,
      /letter by letter/,
    ],
    [
      'another server’s base',
      { base: 'dc=elsewhere' },
      reader,
      'base',
      /no entry with the name of base|refers to another/,
      /./,
    ],
    [
      'a filter that fits nobody',
      { filter: '(uid=x)' },
      reader,
      'rows',
      /no entry below base fits/,
      /Compare filter/,
    ],
    [
      'a name that is not in the certificate',
      { tls: { trust: 'ca', serverName: 'dc1.example' } },
      reader,
      'TLS',
      /is for other names \(DNS:localhost/,
      /serverName/,
    ],
    [
      'an authority that is not trusted',
      { tls: undefined },
      reader,
      'TLS',
      /not trusted here/,
      /trust/,
    ],
    [
      'TLS at the port for StartTLS',
      { connect: 'plain' },
      reader,
      'TLS',
      /begins in plain text: this is the port for StartTLS/,
      /Use StartTLS/,
    ],
    [
      'StartTLS at the port for TLS',
      { connect: 'tls', security: 'starttls' },
      reader,
      'TLS',
      /does not agree|closed/,
      /ldaps/,
    ],
  ])('names %s', async ([, more, credential, name, cause, remedy]) => {
    const places: Record<string, number> = { plain: server.port, tls: server.securePort };
    const port = places[String(more['connect'])];
    const { tls: block } = more as { tls?: object };
    const failed = (
      await steps(
        {
          ...more,
          ...(port === undefined ? {} : { connect: `localhost:${port}` }),
          ...(block === undefined ? {} : { tls: { ...block, trust: tls.trust } }),
        },
        credential,
      )
    ).find(({ result }) => result === 'failed');
    expect([failed?.name, failed?.cause, failed?.remedy]).toEqual([
      name,
      expect.stringMatching(cause),
      expect.stringMatching(remedy),
    ]);
    expect(JSON.stringify(failed)).not.toContain('mistyped');
  });

  test.for([
    ['52e', /the password is wrong \(data 52e\)/],
    ['525', /no such user/],
    ['532', /the password has expired/],
    ['533', /the account is disabled/],
    ['701', /the account has expired/],
    ['773', /must be changed first/],
    ['775', /the account is locked/],
  ] as const)('tells Active Directory’s %s apart', async ([data, why]) => {
    server.refuse(
      `80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data ${data}, v4563`,
    );
    await expect(load({}, basic('cn=x,dc=ad', 'secret'))).rejects.toMatchObject({
      code: 'ADAPTER_DISABLED',
      message: expect.stringMatching(why),
    });
  });

  const faults = async (more: Readonly<Record<string, unknown>>) =>
    (await ldapLookup.check?.(lend(ldapLookup.settings, given(more), options()).lent.settings)) ??
    [];

  test('has faults of its settings told before it is loaded', async () => {
    expect(await faults({})).toEqual([]);
    expect(await faults({ filter: '(&(a=b)' })).toMatchObject([{ path: ['filter'] }]);
    expect(await faults({ connect: [] })).toMatchObject([{ path: ['connect'] }]);
    expect(await faults({ security: 'none' })).toMatchObject([{ severity: 'warning' }]);
    await expect(load({ filter: '(&(a=b)' })).rejects.toThrow(/filter: is not an LDAP filter/);
  });

  test('comes again after the server was gone', async () => {
    await server.stop();
    await expect(load()).rejects.toMatchObject({ retryable: true });
    await server.start();
    expect(await load()).toEqual(STAFF);
  });
});

const answering = async (answer: (bytes: Buffer) => Buffer | undefined): Promise<Server> => {
  const server = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .on('data', (bytes) => {
        const back = answer(bytes);
        if (back !== undefined) socket.write(back);
      });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};
const loadFrom = async (server: Server, more: Readonly<Record<string, unknown>> = {}) => {
  const { port } = server.address() as { port: number };
  const { lent } = lend(
    ldapLookup.settings,
    {
      connect: `127.0.0.1:${port}`,
      security: 'none',
      credential: 'reader',
      base: SUFFIX,
      key: 'uid',
      value: 'cn',
      timeout: '1s',
      ...more,
    },
    { credentials: { reader } },
  );
  return ldapLookup.load(lent);
};

describe('a code table from something else', () => {
  test('that does not answer ends in time, and is tried again', async () => {
    const server = await answering(() => undefined);
    await expect(loadFrom(server)).rejects.toMatchObject({
      retryable: true,
      message: expect.stringMatching(/did not answer in time/),
    });
    server.close();
  });

  test('that sends something behind its agreement to TLS is not believed', async () => {
    const agreed = Buffer.from('300c02010178070a010004000400', 'hex');
    // a successful sign-in, as if it had come encrypted
    const injected = Buffer.from('300c02010261070a010004000400', 'hex');
    const server = await answering(() => Buffer.concat([agreed, injected]));
    await expect(loadFrom(server, { security: 'starttls' })).rejects.toThrow(
      /does not agree to StartTLS/,
    );
    server.close();
  });
});
