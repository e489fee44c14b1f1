import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { assert, asyncProperty, integer, nat } from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConsoleSettings } from '../../../src/access/sign-in/console-settings.ts';
import { directory } from '../../../src/access/sign-in/directory/directory.ts';
import { kerberosProvider } from '../../../src/access/sign-in/kerberos/kerberos-provider.ts';
import type { UsedAssertions } from '../../../src/access/sign-in/saml/used-assertions.ts';
import { SignInRefusal } from '../../../src/access/sign-in/sign-in-refusal.ts';
import { noBrowser, browser as openBrowser } from '../../support/browser.ts';
import { noSlapd, READER, SUFFIX, startDirectory } from '../../support/directory.ts';
import { examples } from '../../support/examples.ts';
import { gssapiProxy, hasGssapi } from '../../support/gssapi-proxy.ts';
import { guardedApi } from '../../support/guarded-api.ts';
import {
  type KerberosRealm,
  kerberosRealm,
  noKerberos,
  REALM,
} from '../../support/kerberos-realm.ts';
import { listening } from '../../support/tcp-server.ts';
import { visitor } from '../../support/visitor.ts';

const run = promisify(execFile);
const PATH = '/api/v1/sign-in/kerberos/domain';
const SERVICE = 'HTTP/localhost';

/** Of one operator plane. */
const memory = (): UsedAssertions => {
  const used = new Set<string>();
  return {
    first: async (provider, id) => {
      const key = `${provider} ${id}`;
      return !used.has(key) && used.add(key).size > 0;
    },
  };
};

/** The console by the name for which there is a ticket. */
const named = (url: string): string => url.replace('127.0.0.1', 'localhost');

const curl = async (
  url: string,
  environment: NodeJS.ProcessEnv,
  args: readonly string[] = [],
): Promise<string> => {
  const given = ['-s', '-i', '--negotiate', '-u', ':', ...args, url];
  return (await run('curl', given, { env: environment })).stdout;
};

/** What curl sends after `Negotiate`. */
const ticketOf = async (environment: NodeJS.ProcessEnv): Promise<string> => {
  let sent = '';
  const server = createServer(({ headers }, response) => {
    sent = headers.authorization ?? sent;
    response.writeHead(sent === '' ? 401 : 200, { 'www-authenticate': 'Negotiate' }).end();
  });
  await using open = await listening(server);
  await curl(`http://localhost:${open.port}/`, environment);
  return sent.replace(/^Negotiate /, '');
};

const off = (minutes: number) => ({ now: () => Date.now() + minutes * 60_000 });

describe.skipIf(noKerberos !== undefined)(`signing in with Kerberos ${noKerberos ?? ''}`, () => {
  let realm: KerberosRealm;
  let keytab: string;
  let anna: NodeJS.ProcessEnv;

  beforeAll(async () => {
    realm = await kerberosRealm();
    await realm.add('anna', 'annas');
    await realm.add('Ben/admin', 'bens');
    await realm.add(SERVICE);
    await realm.add('HTTP/other.example');
    await realm.add('host/localhost');
    keytab = await realm.keytab('http.keytab', [SERVICE, 'host/localhost']);
    anna = await realm.signIn('anna', 'annas');
  });
  afterAll(() => realm[Symbol.asyncDispose]());

  const written = (more: Readonly<Record<string, unknown>> = {}, rest = {}): string =>
    JSON.stringify({
      kerberos: [
        {
          name: 'domain',
          title: 'Windows',
          keytab,
          roles: { [`anna@${REALM}`]: 'administrator', [`Ben/admin@${REALM}`]: 'viewer' },
          ...more,
        },
      ],
      ...rest,
    });

  const judge = async (
    token: string,
    { more = {}, now = Date.now }: { more?: Record<string, unknown>; now?: () => number } = {},
  ) => {
    const file = join(realm.folder, 'console.yaml');
    await writeFile(file, written(more));
    const [settings] = (await readConsoleSettings(file, {})).kerberos;
    if (settings === undefined) throw new Error('there is no realm in the settings');
    return kerberosProvider(settings, { used: memory(), directory: undefined, now }).check(token);
  };

  const refusal = async (...given: Parameters<typeof judge>): Promise<string> => {
    const said = await judge(...given).catch((error: unknown) => error);
    return said instanceof SignInRefusal ? `${said.why}. ${said.remedy}` : 'not refused';
  };

  test('curl signs in with the ticket of a person, who is told that it is us', async () => {
    await using api = await guardedApi({ settings: () => written() });
    const jar = join(realm.folder, 'jar');
    const said = await curl(`${named(api.url)}${PATH}?back=/messages`, anna, ['-c', jar]);
    expect(said).toMatch(/^HTTP\/1.1 302 /m);
    expect(said).toMatch(/^location: http:\/\/localhost:\d+\/messages\r$/m);
    expect(said).toMatch(/^www-authenticate: Negotiate \S{50,}\r$/m);
    const { stdout } = await run('curl', ['-s', '-b', jar, `${named(api.url)}/api/v1/me`]);
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'anna',
      roles: ['administrator'],
      via: 'kerberos domain',
    });
    expect(api.log.join('')).not.toContain('YII');
  });

  test('a browser is asked for a ticket here only, and a stranger is told why nobody is signed in', async () => {
    await using api = await guardedApi({ settings: () => written() });
    const stranger = visitor(api.url);
    const methods = await stranger.ask('GET', '/api/v1/sign-in/methods');
    expect(methods.body['kerberos']).toEqual([{ name: 'domain', title: 'Windows' }]);
    const other = await stranger.ask('GET', '/api/v1/me');
    expect([other.status, other.headers.get('www-authenticate')]).toEqual([401, null]);
    const asked = await stranger.ask('GET', PATH, undefined, { accept: 'text/html' });
    expect([asked.status, asked.headers.get('www-authenticate')]).toEqual([401, 'Negotiate']);
    expect(JSON.stringify(asked.body)).toContain('your browser has sent no ticket');
    const wrong = await stranger.ask('GET', PATH, undefined, { authorization: 'Negotiate AAAA' });
    expect([wrong.status, wrong.headers.get('www-authenticate')]).toEqual([401, null]);
    expect(api.log.join('')).toContain('the token after Negotiate cannot be read');
    expect((await stranger.ask('GET', PATH.replace('domain', 'x'))).status).toBe(404);
  });

  test.skipIf(noBrowser !== undefined)(
    'Chromium signs in with the ticket of the person',
    async () => {
      await using api = await guardedApi({ settings: () => written() });
      await using chrome = await openBrowser({
        switches: ['--auth-server-allowlist=localhost'],
        environment: anna,
      });
      await chrome.page.goto(`${named(api.url)}${PATH}?back=/api/v1/me`);
      expect(JSON.parse(await chrome.page.innerText('body'))).toMatchObject({
        name: 'anna',
        via: 'kerberos domain',
      });
    },
  );

  test('a name may have parts, be taken in lower case, and stand for itself among several realms', async () => {
    const ticket = await ticketOf(await realm.signIn('Ben/admin', 'bens'));
    expect((await judge(ticket)).identity).toMatchObject({ name: 'Ben/admin', roles: ['viewer'] });
    const roles = { [`ben/admin@${REALM}`]: 'operator' };
    expect((await judge(ticket, { more: { ignoreCase: true, roles } })).identity).toMatchObject({
      name: 'ben/admin',
      roles: ['operator'],
    });
    const realms = [REALM, 'LAB.EXAMPLE'];
    expect((await judge(ticket, { more: { realms } })).identity.name).toBe(`Ben/admin@${REALM}`);
    expect(await refusal(ticket, { more: { roles: { [`carl@${REALM}`]: 'viewer' } } })).toMatch(
      /none of Ben\/admin@HOSPITAL.EXAMPLE in principal is mapped/,
    );
  });

  test('a proof is taken once, on whichever console of the installation', async () => {
    await using api = await guardedApi({ settings: () => written() });
    const headers = { authorization: `Negotiate ${await ticketOf(anna)}` };
    expect((await visitor(api.url).ask('GET', PATH, undefined, headers)).status).toBe(302);
    await using second = await guardedApi({ settings: () => written(), data: api.data });
    const again = await visitor(second.url).ask('GET', PATH, undefined, headers);
    expect(again.status).toBe(401);
    expect(second.log.join('')).toContain('the same proof was used before');
  });

  test('what is wrong is named: clocks, names, keys and their versions, kinds of encryption', async () => {
    const ticket = await ticketOf(anna);
    expect(await refusal(ticket, off(7))).toMatch(
      /clock of the person’s machine is 4\d\d s behind/,
    );
    expect(await refusal(ticket, off(-4))).toMatch(/not refused/);
    expect(await refusal(ticket, off(-20))).toMatch(/only valid from .* Compare the clocks/);
    expect(await refusal(ticket, off(700))).toMatch(/the ticket ended at .*klist purge/);
    expect(await refusal(ticket, { more: { realms: ['OTHER'] } })).toMatch(
      /not taken here. Add it/,
    );

    const elsewhere = await realm.keytab('other.keytab', ['HTTP/other.example']);
    expect(await refusal(ticket, { more: { keytab: elsewhere } })).toMatch(
      /the ticket is for HTTP\/localhost@HOSPITAL.EXAMPLE, and the keytab has HTTP\/other.example@/,
    );
    const old = Buffer.from(ticket, 'base64').toString('hex').replace('a003020112', 'a003020117');
    expect(await refusal(Buffer.from(old, 'hex').toString('base64'))).toMatch(
      /encrypted with rc4-hmac, which is no longer safe. Allow AES/,
    );
    const few = join(realm.folder, 'few.keytab');
    await writeFile(few, only(await readFile(keytab), 17));
    expect(await refusal(ticket, { more: { keytab: few } })).toMatch(
      /encrypted with aes256-cts-hmac-sha1-96, and the keytab has aes128-cts-hmac-sha1-96/,
    );
    expect(await refusal(Buffer.from('NTLMSSP\0\x01').toString('base64'))).toMatch(
      /sent no Kerberos ticket, but offered another sign-in \(NTLM\).*setspn -S/,
    );
  });

  test('a password that was set anew is named, and a renewed keytab counts without a restart', async () => {
    await realm.add('HTTP/127.0.0.1');
    const own = await realm.keytab('renewed.keytab', ['HTTP/127.0.0.1']);
    const more = { keytab: own };
    await realm.order('change_password -randkey HTTP/127.0.0.1');
    await using api = await guardedApi({ settings: () => written(more) });
    const here = await realm.signIn('anna', 'annas');
    expect(await curl(`${api.url}${PATH}`, here)).toMatch(/^HTTP\/1.1 401 /m);
    expect(api.log.join('')).toMatch(
      /needs key version 2, and the keytab has 1.*export the keytab again/,
    );
    await realm.keytab('renewed.keytab', ['HTTP/127.0.0.1']);
    expect(await curl(`${api.url}${PATH}`, here)).toMatch(/^HTTP\/1.1 302 /m);
  });

  test('bytes that were changed on the way are refused in words, and end nothing', async () => {
    const token = Buffer.from(await ticketOf(anna), 'base64');
    await assert(
      asyncProperty(nat(token.length - 1), integer({ min: 1, max: 255 }), async (at, by) => {
        const changed = Buffer.from(token);
        changed[at] = (changed[at] ?? 0) ^ by;
        const said = await judge(changed.toString('base64')).catch((error: unknown) => error);
        // names outside of what is encrypted prove nothing, and may differ
        if (said instanceof SignInRefusal && at < token.length - 100) return;
        expect(said).toMatchObject(
          at < token.length - 100 ? { identity: { name: 'anna' } } : { status: 401 },
        );
      }),
      { numRuns: examples(300) },
    );
    for (let end = 0; end < token.length; end += 37) {
      expect(await refusal(token.subarray(0, end).toString('base64'))).not.toMatch(/not refused/);
    }
  });

  test.skipIf(noSlapd !== undefined)('groups come from the directory', async () => {
    await using ldap = await startDirectory();
    const entry = {
      name: 'ad',
      servers: [`ldap://127.0.0.1:${ldap.port}`],
      account: READER.name,
      password: READER.password,
      base: `ou=people,${SUFFIX}`,
      filter: '(uid={user})',
      roles: { it: 'engineer' },
    };
    const text = written({ ldap: 'ad', roles: undefined }, { ldap: [entry] });
    await using api = await guardedApi({ settings: () => text });
    const authorization = `Negotiate ${await ticketOf(anna)}`;
    const person = visitor(api.url);
    const headers = { authorization };
    expect((await person.ask('GET', PATH, undefined, headers)).status).toBe(302);
    expect((await person.me()).body).toMatchObject({
      name: 'anna',
      roles: ['engineer'],
      via: 'kerberos domain',
    });
    const [settings] = (await readConsoleSettings(join(api.data, 'console.yaml'), {})).ldap;
    if (settings === undefined) throw new Error('there is no directory');
    expect(await directory(settings).find('nobody')).toMatch(/no entry/);
    await ldap.stop();
    const away = { authorization: `Negotiate ${await ticketOf(anna)}` };
    expect((await visitor(api.url).ask('GET', PATH, undefined, away)).status).toBe(503);
    expect(api.log.at(-1)).toMatch(/ad: .*ECONNREFUSED|ad: .*nobody listens|ad: Not connected/);
  });

  test.skipIf(!hasGssapi)('Apache signs people in, by the rule of the guide', async () => {
    await using api = await guardedApi({
      settings: () =>
        JSON.stringify({
          header: {
            from: ['127.0.0.1'],
            user: 'x-remote-user',
            rolesFrom: 'x-remote-user',
            roles: { [`anna@${REALM}`]: 'engineer' },
          },
        }),
    });
    await using proxy = await gssapiProxy(`${api.url}/`, { keytab, realm: realm.folder });
    const forged = { 'x-remote-user': `anna@${REALM}` };
    expect((await fetch(`${proxy.url}api/v1/me`, { headers: forged })).status).toBe(401);
    const said = await curl(`${proxy.url}api/v1/me`, anna, ['-H', 'x-remote-user: root']);
    expect(JSON.parse(said.split('\r\n\r\n').at(-1) ?? '')).toMatchObject({
      name: `anna@${REALM}`,
      roles: ['engineer'],
    });
    if (noBrowser !== undefined) return;
    await using chrome = await openBrowser({
      switches: ['--auth-server-allowlist=localhost'],
      environment: anna,
    });
    await chrome.page.goto(`${proxy.url}api/v1/me`);
    expect(await chrome.page.innerText('body')).toContain(`"anna@${REALM}"`);
  });

  test('check names what does not fit together', async () => {
    const file = join(realm.folder, 'console.yaml');
    const none = join(realm.folder, 'host.keytab');
    await writeFile(none, only(await readFile(keytab), 18, 'host'));
    const broken = join(realm.folder, 'broken.keytab');
    await writeFile(broken, 'certificate');
    for (const [more, rest, problem] of [
      [{ keytab: 'gone.keytab' }, {}, /kerberos.0.keytab: the keytab .* cannot be read: ENOENT/],
      [{ keytab: broken }, {}, /is not a keytab; Export it again/],
      [{ keytab: none }, {}, /has no key of a name HTTP\/…, but of host\/localhost@/],
      [{ principal: 'HTTP/x' }, {}, /has no key of HTTP\/x, but of HTTP\/localhost@/],
      [{ clockSkew: '1h' }, {}, /clockSkew: at most 15m/],
      [{ realms: ['hospital.example'] }, {}, /usually written in capitals/],
      [{ ldap: 'ad', roles: undefined }, {}, /there is no directory ad under ldap/],
      [{ roles: undefined }, {}, /nobody would get a role/],
      [
        {},
        {
          saml: [],
          oidc: [{ name: 'domain', issuer: 'https://x', clientId: 'x', everybody: ['viewer'] }],
        },
        /two ways to sign in are named domain/,
      ],
    ] as const) {
      await writeFile(file, written(more, rest));
      await expect(readConsoleSettings(file, {})).rejects.toThrow(problem);
    }
    await writeFile(file, written({}, { passwords: false }));
    expect(await readConsoleSettings(file, {})).toMatchObject({ passwords: false, external: true });
  });
});

/** The entries of a keytab with that type of encryption, and that first part of the name. */
function only(bytes: Buffer, type: number, service = 'HTTP'): Buffer {
  const kept = [bytes.subarray(0, 2)];
  for (let at = 2; at < bytes.length; ) {
    const end = at + 4 + bytes.readInt32BE(at);
    const entry = bytes.subarray(at, end);
    const text = entry.toString('latin1');
    // after realm, name, kind, time and version
    const nameEnd = text.indexOf('localhost') + 'localhost'.length;
    if (
      entry.readUInt16BE(nameEnd + 9) === type &&
      text.includes(`\0${String.fromCharCode(service.length)}${service}`)
    )
      kept.push(entry);
    at = end;
  }
  return Buffer.concat(kept);
}
