import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import httpOut from '../../../adapters/http/http-out.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import type { ConsoleProxy } from '../../support/console-proxy.ts';
import { credentialSet } from '../../support/credential-set.ts';
import { gssapiProxy, hasGssapi } from '../../support/gssapi-proxy.ts';
import {
  type KerberosRealm,
  kerberosRealm,
  noKerberos,
  REALM,
} from '../../support/kerberos-realm.ts';
import { openOutbound, streamedBody, testSteps } from '../../support/open-adapter.ts';
import { type WebServer, webServer } from '../../support/web-server.ts';

const USER = `svc/waybill@${REALM}`;
const SERVICE = 'HTTP/localhost';

describe.skipIf(noKerberos !== undefined || !hasGssapi)(
  `requests with Kerberos to Apache ${noKerberos ?? ''}`,
  () => {
    const stack = new AsyncDisposableStack();
    let realm: KerberosRealm;
    let upstream: WebServer;
    let peer: ConsoleProxy;
    let keytab: string;

    beforeAll(async () => {
      realm = stack.use(await kerberosRealm());
      upstream = stack.use(await webServer());
      await realm.add(USER, 'secret of svc');
      await realm.add(SERVICE);
      keytab = await realm.keytab('svc.keytab', [USER]);
      const own = await realm.keytab('http.keytab', [SERVICE]);
      peer = stack.use(await gssapiProxy(`${upstream.url}/`, { keytab: own, realm: realm.folder }));
    });
    afterAll(() => stack.disposeAsync());

    const account = (more: Readonly<Record<string, unknown>> = {}) => ({
      windows: { kind: 'kerberos', user: USER, kdc: [realm.kdc], ...more },
    });

    /** Opens http-out with that credential. */
    const opened = async (more: Readonly<Record<string, unknown>>, url = `${peer.url}in`) => {
      const set = credentialSet(account(more));
      const windows = await set.credentials.get('windows');
      const line = await openOutbound(
        httpOut,
        { url, credential: 'windows' },
        { credentials: { windows } },
      );
      return { set, line };
    };

    const refusal = async (
      more: Readonly<Record<string, unknown>>,
      url?: string,
    ): Promise<unknown> => {
      const { line } = await opened(more, url);
      await using _ = line;
      return await line.send(Buffer.from('x')).catch((error: unknown) => error);
    };

    test('a keytab or a password signs in each request, also large ones and many at once', async () => {
      for (const secret of [{ keytab }, { password: 'secret of svc' }]) {
        upstream.requests.length = 0;
        const { line, set } = await opened(secret);
        await using _ = line;
        const large = Buffer.alloc(3_000_000, 'x');
        const sent = [Buffer.from('one'), large, Buffer.from('three')];
        for (const body of sent) {
          expect(await line.send(streamedBody(body))).toMatchObject({ code: '200' });
        }
        const codes = await Promise.all(
          Array.from({ length: 10 }, () => line.send(Buffer.from('many'))),
        );
        expect(codes.map((one) => one?.code)).toEqual(Array(10).fill('200'));
        // each once: the ticket goes with the first try
        expect(upstream.requests).toHaveLength(13);
        expect(upstream.requests[0]?.headers['x-remote-user']).toBe(USER);
        expect(set.lines.join('')).not.toContain('secret of svc');
      }
    });

    test('a server whose key was changed gets a new ticket after its 401', async () => {
      await realm.add('HTTP/127.0.0.1');
      const first = await realm.keytab('first.keytab', ['HTTP/127.0.0.1']);
      const options = { realm: realm.folder };
      const before = await gssapiProxy(`${upstream.url}/`, { ...options, keytab: first });
      const place = new URL('in', before.url).href;
      const again = await opened({ keytab, service: 'HTTP/127.0.0.1' }, place);
      await using line = again.line;
      expect(await line.send(Buffer.from('1'))).toMatchObject({ code: '200' });
      await before[Symbol.asyncDispose]();
      await realm.order('change_password -randkey HTTP/127.0.0.1');
      const renewed = await realm.keytab('renewed.keytab', ['HTTP/127.0.0.1']);
      const onlyNew = { ...options, keytab: renewed, port: Number(new URL(before.url).port) };
      await using _ = await gssapiProxy(`${upstream.url}/`, onlyNew);
      expect(await line.send(Buffer.from('2'))).toMatchObject({ code: '200' });
    });

    test.for([
      ['a wrong password', { password: 'no' }, /refuses the password or key of svc\/waybill@/],
      ['an unknown user', { user: `x@${REALM}`, password: 'no' }, /does not know x@HOSPITAL/],
      [
        'an unknown service',
        { password: 'secret of svc', service: 'HTTP/x' },
        /does not know the service HTTP\/x@HOSPITAL.EXAMPLE. Register it .*setspn -S/,
      ],
    ] as const)('%s stops the operation, with what to do', async ([, more, text]) => {
      expect(await refusal(more)).toMatchObject({
        code: 'ADAPTER_DISABLED',
        message: expect.stringMatching(text),
      });
    });

    test('a locked account, and a keytab of somebody else or of before, are told', async () => {
      await realm.add('locked', 'x');
      await realm.order('modprinc -allow_tix locked');
      expect(await refusal({ user: `locked@${REALM}`, password: 'x' })).toMatchObject({
        message: expect.stringMatching(/locked@HOSPITAL.EXAMPLE is disabled, locked/),
      });
      await realm.add('other', 'x');
      expect(await refusal({ user: `other@${REALM}`, keytab })).toMatchObject({
        message: expect.stringMatching(/the keytab has no key of other@.*, but of svc\/waybill@/),
      });
      await realm.add('moved', 'x');
      const old = await realm.keytab('moved.keytab', ['moved']);
      await realm.order('change_password -pw y moved');
      expect(await refusal({ user: `moved@${REALM}`, keytab: old })).toMatchObject({
        message: expect.stringMatching(/refuses the password or key of moved@.*export the keytab/),
      });
    });

    test('an account that need not prove itself beforehand gets in too, with the right password only', async () => {
      await realm.add('early', 'right');
      for (const one of ['early', SERVICE]) await realm.order(`modprinc -requires_preauth ${one}`);
      const { line } = await opened({ user: `early@${REALM}`, password: 'right' });
      await using _ = line;
      expect(await line.send(Buffer.from('x'))).toMatchObject({ code: '200' });
      expect(await refusal({ user: `early@${REALM}`, password: 'wrong' })).toMatchObject({
        code: 'ADAPTER_DISABLED',
        message: expect.stringMatching(/not encrypted with our key. Check the password/),
      });
    });

    test('without a domain controller a message is tried again, and the next one that answers is asked', async () => {
      const gone = `127.0.0.1:${await freePort()}`;
      const { line } = await opened({ keytab, kdc: [gone, realm.kdc] });
      await using _ = line;
      expect(await line.send(Buffer.from('x'))).toMatchObject({ code: '200' });
      expect(await refusal({ keytab, kdc: [gone] })).toMatchObject({
        retryable: true,
        message: expect.stringMatching(/no domain controller of HOSPITAL.EXAMPLE answers/),
      });
      // what answers, but is none
      const { host } = new URL(upstream.url);
      expect(await refusal({ keytab, kdc: [host] })).toMatchObject({
        retryable: true,
        message: expect.stringMatching(/no domain controller/),
      });
    });

    test('a trial passes, and without the credential says which kind is needed', async () => {
      const set = credentialSet(account({ keytab }));
      const windows = await set.credentials.get('windows');
      const given = { url: `${peer.url}in`, credential: 'windows' };
      const steps = await testSteps(httpOut, given, { credentials: { windows } });
      expect(steps.map(({ name, result }) => [name, result])).toContainEqual(['sign-in', 'passed']);
      const basic = { kind: 'basic', user: 'x', password: 'y' } as const;
      const other = await testSteps(httpOut, given, { credentials: { windows: basic } });
      expect(other.at(-1)).toMatchObject({
        result: 'failed',
        remedy: expect.stringMatching(/kind kerberos/),
      });
    });

    test.for([
      [{ user: 'svc', password: 'x' }, /needs its realm/],
      [{ password: 'x', keytab: '/x' }, /either password or keytab/],
      [{ password: 'x', kdc: ['http://dc1'] }, /is not a host/],
      [{ password: 'x', service: 'x' }, /HTTP\/ and a name/],
      [{ keytab: '/gone.keytab' }, /the keytab \/gone.keytab cannot be read: ENOENT/],
    ] as const)('check names what does not fit: %o', async ([more, text]) => {
      await using set = credentialSet(account(more));
      expect((await set.credentials.check()).map(({ problem }) => problem).join()).toMatch(text);
    });
  },
);
