import { describe, expect, test, vi } from 'vitest';
import sqlOut from '../../../adapters/sql/sql-out.ts';
import { lend, openOutbound, testSteps } from '../../support/open-adapter.ts';
import type { SqlDatabase } from '../../support/sql-databases.ts';
import { type TcpGate, tcpGate } from '../../support/tcp-gate.ts';
import { troubledProxy } from '../../support/troubled-proxy.ts';

/** How a record begins in which a client opens TLS. */
const CLIENT_HELLO = Buffer.from([22, 3, 1]);
const SILENT = [
  ['from the start', (gate: TcpGate) => gate.pause()],
  ['in the handshake of TLS', (gate: TcpGate) => gate.muteAt(CLIENT_HELLO)],
] as const;
const ASK = { statements: 'SELECT 1' };

/** Signing in, TLS, and what the connection test says of each. */
export function describeConnecting(database: () => SqlDatabase): void {
  const one = (
    given: Readonly<Record<string, unknown>> = {},
  ): Readonly<Record<string, unknown>> => ({
    ...database().given(),
    ...ASK,
    ...given,
  });
  const tried = (given: Readonly<Record<string, unknown>>): ReturnType<typeof testSteps> =>
    testSteps(sqlOut, one(given), database().options);
  const opened = (given: Readonly<Record<string, unknown>>): ReturnType<typeof openOutbound> =>
    openOutbound(sqlOut, one(given), database().options);

  describe('connecting', () => {
    test('a server that falls silent once we are signed in is given up, and left', async () => {
      await using proxy = await troubledProxy(database().port);
      const given = {
        ...database().given(proxy.port),
        ...ASK,
        connectTimeout: '3s',
        timeout: '2s',
      };
      const first = await openOutbound(sqlOut, given, database().options);
      const { said } = proxy;
      await first.close();
      // the last answers are those to what sets a session up; a handshake may be some bytes shorter than the one before
      proxy.silentAfter(said - 20);
      await expect(openOutbound(sqlOut, given, database().options)).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringMatching(/did not (finish the sign-in within|answer in time)/),
      });
      proxy.be('none');
      await vi.waitFor(() => expect(proxy.open).toBe(0));
    });

    test('a test tells in order what was seen, and who we are to the server', async () => {
      const steps = await tried({});
      expect(steps.map(({ name }) => name)).toEqual([
        'name',
        'TCP',
        'TLS',
        'sign-in',
        'database',
        'statements',
      ]);
      expect(steps.filter(({ result }) => result !== 'passed')).toEqual([]);
      const { tls } = database().words;
      expect(steps[2]?.detail).toMatch(new RegExp(`${tls} .*localhost`));
      expect(steps[3]?.detail).toMatch(new RegExp(`runs as clinic.*${tls}`));
      expect(steps[4]?.detail).toMatch(/clinic on (PostgreSQL|MariaDB|SQL Server|Oracle) \d/);
    });

    test('a wrong password stops the operation, and is not tried again and again', async () => {
      await expect(opened({ credential: 'wrong' })).rejects.toMatchObject({
        code: 'ADAPTER_DISABLED',
        message: expect.stringMatching(/refused the sign-in: user or password is wrong/),
      });
      const steps = await tried({ credential: 'wrong' });
      expect(steps.at(-1)).toMatchObject({ name: 'sign-in', result: 'failed' });
    });

    test('a Windows account is for SQL Server only', async () => {
      if (database().product === 'sqlserver') return;
      const windows = { kind: 'ntlm', user: 'x', password: 'x', domain: 'LAB' } as const;
      const opening = openOutbound(sqlOut, one({ credential: 'windows' }), {
        credentials: { windows },
      });
      await expect(opening).rejects.toThrow(/signs in to SQL Server only/);
    });

    test('a database that is not there is named', async () => {
      await expect(opened({ database: 'nowhere' })).rejects.toThrow(/nowhere/);
    });

    test('a server that is not trusted gets no password', async () => {
      await expect(opened({ tls: {} })).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringMatching(/not trusted here/),
      });
      const steps = await tried({ tls: {} });
      expect(steps.at(-1)).toMatchObject({
        name: 'TLS',
        result: 'failed',
        remedy: expect.stringMatching(/trust/),
      });
    });

    test('a server with another name than expected gets none either', async () => {
      const { trust } = database().certificates;
      await expect(opened({ tls: { trust, serverName: 'db.example' } })).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringMatching(/is for other names/),
      });
    });

    test('an account that signs in with a certificate', async () => {
      const { trust } = database().certificates;
      if (database().allowCertificate === undefined) return;
      await database().allowCertificate?.();
      const tls = { trust, certificate: 'client' };
      await using out = await opened({ credential: undefined, user: 'holder', tls });
      expect(out.states.at(-1)?.detail).toMatch(/as holder/);
      await expect(
        opened({ credential: undefined, user: 'holder', tls: { trust } }),
      ).rejects.toMatchObject({ code: 'ADAPTER_DISABLED' });
    });

    test('a certificate that has expired is refused before the password is sent', async () => {
      await database().show('expired');
      try {
        await expect(opened({})).rejects.toMatchObject({
          code: 'ADAPTER_NOT_CONNECTED',
          message: expect.stringMatching(/has expired/),
        });
        const steps = await tried({});
        expect(steps.at(-1)).toMatchObject({
          name: 'TLS',
          result: 'failed',
          cause: expect.stringMatching(/has expired/),
        });
      } finally {
        await database().show('good');
      }
    });

    test('in clear only where it is said, and told as that', async () => {
      await using out = await opened({ security: 'none', tls: undefined });
      await out.send(Buffer.from('x'));
      expect(out.states.at(-1)?.detail).toMatch(/in clear/);
      const faults = await sqlOut.check?.({
        ...(one() as never as Parameters<NonNullable<typeof sqlOut.check>>[0]),
        connect: { host: 'db.example', port: 1 },
        security: 'none',
        tls: undefined,
      });
      expect(faults).toMatchObject([{ path: ['security'], severity: 'warning' }]);
    });

    describe.each(SILENT)('a server that is silent %s', (_, fallSilent) => {
      test('is given up after connectTimeout', async () => {
        await using gate = await tcpGate(database().port);
        fallSilent(gate);
        const begin = performance.now();
        await expect(
          opened({ connect: `localhost:${gate.port}`, connectTimeout: '300ms' }),
        ).rejects.toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
        expect(performance.now() - begin).toBeLessThan(5_000);
      });

      test('is not waited for by a stop', async () => {
        await using gate = await tcpGate(database().port);
        fallSilent(gate);
        const stop = new AbortController();
        const given = one({ connect: `localhost:${gate.port}` });
        const { lent } = lend(sqlOut.settings, given, database().options);
        const opening = sqlOut.open({ ...lent, signal: stop.signal });
        setTimeout(() => stop.abort(new Error('stopped')), 400);
        const begin = performance.now();
        await expect(opening).rejects.toThrow('stopped');
        expect(performance.now() - begin).toBeLessThan(5_000);
        gate.resume();
        await expect.poll(() => gate.sockets).toBe(0);
      });
    });

    test('a table that is not there, and one that is not allowed, are told before a message', async () => {
      const missing = await tried({ statements: 'INSERT INTO nowhere (a) VALUES ({id})' });
      expect(missing.at(-1)).toMatchObject({
        name: 'statements',
        result: 'failed',
        cause: expect.stringContaining('nowhere'),
      });
    });
  });
}
