import { generateKeyPairSync } from 'node:crypto';
import SftpClient from 'ssh2-sftp-client';
import { describe, expect, test } from 'vitest';
import { connectSftp } from '../../../adapters/ssh/sftp/connect.ts';
import { readPrivateKey } from '../../../adapters/ssh/ssh-sign-in.ts';
import { sftpServer } from '../../../sandbox/sftp-server.ts';
import type { SshServer } from '../../../sandbox/ssh.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { SECRET_MARKER } from '../../contract/marker.ts';
import { openResources } from '../../support/nothing-open.ts';
import {
  type ConnectGiven,
  connectTo,
  describeWithSshd,
  lentTo,
  WRONG,
} from '../../support/ssh-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function method(server: SshServer, given: ConnectGiven = {}): Promise<string> {
  const session = await connectTo(server, given);
  const start = await session.request<string>((sftp, done) => sftp.realpath('.', done));
  expect(start).toBe(server.home);
  await session.close();
  return session.facts.method;
}

/** A key pair as openssl would make it, with the line of `authorized_keys`. */
function opensslKey(kind: 'rsa' | 'ec' | 'ed25519', passphrase?: string): [string, string] {
  const pair =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : kind === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519');
  const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem', ...encryption }).toString();
  const key = readPrivateKey(pem, passphrase);
  return [pem, `${key.type} ${key.getPublicSSH().toString('base64')}`];
}

const keys = {
  rsa: opensslKey('rsa'),
  ec: opensslKey('ec'),
  ed25519: opensslKey('ed25519', SECRET_MARKER),
};

describeWithSshd(
  'signing in to OpenSSH',
  (server) => {
    test('by password, with umlauts and blanks', async () => {
      const { user, password } = server();
      expect(await method(server(), { credential: { kind: 'basic', user, password } })).toBe(
        'password',
      );
    });

    test('by a key that ssh-keygen made', async () => {
      const { user, privateKey } = server();
      const credential: Credential = { kind: 'ssh-key', user, privateKey };
      expect(await method(server(), { credential })).toMatch(/^publickey \(ssh-ed25519 SHA256:/);
    });

    test.for(['rsa', 'ec'] as const)('by an %s key that openssl made', async (kind) => {
      const credential: Credential = { kind: 'ssh-key', user: 'hub', privateKey: keys[kind][0] };
      expect(await method(server(), { credential })).toMatch(/^publickey/);
    });

    test('by an encrypted Ed25519 key that openssl made', async () => {
      const credential: Credential = {
        kind: 'ssh-key',
        user: 'hub',
        privateKey: keys.ed25519[0],
        passphrase: SECRET_MARKER,
      };
      expect(await method(server(), { credential })).toMatch(/^publickey/);
    });

    test('falls back to the password of a credential whose key is refused', async () => {
      const [privateKey] = opensslKey('ec');
      const { user, password } = server();
      const credential: Credential = { kind: 'ssh-key', user, privateKey, password };
      expect(await method(server(), { credential })).toBe('password');
    });

    test('a refused sign-in stops the operation, says what was offered and tried, and no secret', async () => {
      const resources = openResources();
      const error: unknown = await connectTo(server(), { credential: WRONG }).catch(
        (e: unknown) => e,
      );
      expect(error).toMatchObject({ code: 'ADAPTER_DISABLED', retryable: false });
      expect(String(error)).toMatch(
        /refused the sign-in of hub: it offers publickey, password; we tried password\. /,
      );
      expect(String(error)).not.toContain(SECRET_MARKER);
      await resources.expectNothingNew();
    });

    test('a credential that has nothing the server takes is told so', async () => {
      const [privateKey] = opensslKey('ec');
      const credential: Credential = { kind: 'ssh-key', user: 'nobody-we-know', privateKey };
      await expect(connectTo(server(), { credential })).rejects.toThrow(
        /refused the sign-in of nobody-we-know.*we tried publickey \(ecdsa/,
      );
    });

    test('a credential of another kind is refused before anything is sent', async () => {
      const credential: Credential = { kind: 'ntlm', user: 'hub', password: 'x' };
      const { lent } = lentTo(server().port, {
        credential: { kind: 'basic', user: 'x', password: 'y' },
        settings: { hostKey: server().hostKeys[0]?.fingerprint },
      });
      const other = { ...lent, credential: () => Promise.resolve(credential) };
      await expect(connectSftp(other, lent.signal)).rejects.toThrow(/kind ntlm/);
    });
  },
  {
    password: 'pass wörd mit Blanks ',
    authorized: [keys.rsa[1], keys.ec[1], keys.ed25519[1]],
  },
);

describeWithSshd(
  'OpenSSH with keyboard-interactive only',
  (server) => {
    test('the password answers the prompt of PAM', async () => {
      const { user, password } = server();
      const credential: Credential = { kind: 'basic', user, password };
      expect(await method(server(), { credential })).toBe('keyboard-interactive');
    });

    test('the library alone cannot: its `password` is not offered', async () => {
      const client = new SftpClient('bare', { error() {}, end() {}, close() {} });
      const { port, user: username, password } = server();
      await expect(client.connect({ host: '127.0.0.1', port, username, password })).rejects.toThrow(
        /authentication methods failed/,
      );
    });

    test('a wrong password ends, with a clear error', async () => {
      await expect(connectTo(server(), { credential: WRONG })).rejects.toThrow(
        /offers publickey, keyboard-interactive; we tried keyboard-interactive/,
      );
    });
  },
  { methods: ['publickey', 'keyboard-interactive'] },
);

describeWithSshd(
  'OpenSSH that wants a key and a password',
  (server) => {
    test('both are given', async () => {
      const { user, password, privateKey } = server();
      const credential: Credential = { kind: 'ssh-key', user, privateKey, password };
      expect(await method(server(), { credential })).toBe('password');
    });

    test('a key alone is refused, and the error says what is still wanted', async () => {
      const { user, privateKey } = server();
      const credential: Credential = { kind: 'ssh-key', user, privateKey };
      await expect(connectTo(server(), { credential })).rejects.toThrow(/it offers password;/);
    });
  },
  { lines: ['AuthenticationMethods publickey,password'] },
);

describeWithSshd(
  'OpenSSH that has locked us out after failed sign-ins',
  (server) => {
    test('is lost before its greeting: an error to be tried again, which names the lock', async () => {
      for (let n = 0; n < 2; n++) {
        await connectTo(server(), { credential: WRONG }).catch(() => undefined);
      }
      await expect
        .poll(() => connectTo(server()).then(() => '', String), { timeout: 10_000 })
        .toMatch(/NotConnectedError.*before its greeting.*locked this host out/);
    });
  },
  { lines: ['PerSourcePenalties authfail:60s min:1s', 'MaxAuthTries 1'] },
);

describe('prompts of keyboard-interactive', () => {
  const credential: Credential = { kind: 'basic', user: 'hub', password: 'open sesame' };
  test.for([
    ['a second factor', [['Password: '], ['Code: ']], /asked again/],
    ['two questions at once', [['Password: ', 'Code: ']], /prompts for more than the password/],
  ] as const)('%s cannot be answered, and the error says so', async ([, rounds, message]) => {
    await using folder = await temporaryFolder();
    await using server = await sftpServer({
      folder: folder.path,
      methods: ['keyboard-interactive'],
      rounds,
    });
    const { lent } = lentTo(server.port, { settings: { hostKey: server.fingerprint }, credential });
    await expect(connectSftp(lent, lent.signal)).rejects.toThrow(message);
  });
});
