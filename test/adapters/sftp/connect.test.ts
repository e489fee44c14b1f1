import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import SftpClient from 'ssh2-sftp-client';
import { describe, expect, test } from 'vitest';
import { connectSftp } from '../../../adapters/sftp/connect.ts';
import { readPrivateKey } from '../../../adapters/sftp/private-key.ts';
import type { SftpSession } from '../../../adapters/sftp/sftp-session.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { sftpServer } from '../../../src/sandbox/sftp-server.ts';
import type { SshServer } from '../../../src/sandbox/ssh.ts';
import { SECRET_MARKER } from '../../contract/marker.ts';
import { certificates } from '../../support/certificates.ts';
import { openResources } from '../../support/nothing-open.ts';
import { type ConnectGiven, describeWithSshd, lentTo } from '../../support/ssh-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function connect(server: SshServer, given: ConnectGiven = {}): Promise<SftpSession> {
  const { settings, ...rest } = given;
  const hostKey = server.hostKeys.map(({ fingerprint }) => fingerprint);
  const { lent } = lentTo(server.port, { settings: { hostKey, ...settings }, ...rest });
  return await connectSftp(lent, lent.signal);
}

async function method(server: SshServer, given: ConnectGiven = {}): Promise<string> {
  const session = await connect(server, given);
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

const WRONG: Credential = { kind: 'basic', user: 'hub', password: SECRET_MARKER };

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
      const error: unknown = await connect(server(), { credential: WRONG }).catch(
        (e: unknown) => e,
      );
      expect(error).toMatchObject({ code: 'ADAPTER_DISABLED', retryable: false });
      expect(String(error)).toMatch(
        /refused the sign-in of hub: it offers publickey, password; tried was password\. /,
      );
      expect(String(error)).not.toContain(SECRET_MARKER);
      await resources.expectNothingNew();
    });

    test('a credential that has nothing the server takes is told so', async () => {
      const [privateKey] = opensslKey('ec');
      const credential: Credential = { kind: 'ssh-key', user: 'nobody-we-know', privateKey };
      await expect(connect(server(), { credential })).rejects.toThrow(
        /refused the sign-in of nobody-we-know.*tried was publickey \(ecdsa/,
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
      await expect(connect(server(), { credential: WRONG })).rejects.toThrow(
        /offers publickey, keyboard-interactive; tried was keyboard-interactive/,
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
      await expect(connect(server(), { credential })).rejects.toThrow(/it offers password;/);
    });
  },
  { lines: ['AuthenticationMethods publickey,password'] },
);

describeWithSshd(
  'the host key of OpenSSH',
  (server) => {
    const pin = (type: string): string =>
      server().hostKeys.find((key) => key.type === type)?.fingerprint ?? '';
    const typed = (type: string): string =>
      server().hostKeys.find((key) => key.type === type)?.line ?? '';

    test('a pinned one is accepted', async () => {
      const session = await connect(server(), { settings: { hostKey: pin('ed25519') } });
      expect(session.facts.hostKey).toMatchObject({ type: 'ssh-ed25519', trusted: true });
      await session.close();
    });

    test('one of several pins is enough, for a change of keys', async () => {
      const hostKey = [`SHA256:${'A'.repeat(43)}`, pin('ed25519')];
      await (await connect(server(), { settings: { hostKey } })).close();
    });

    test('a pinned RSA key is asked for although the server has a newer one', async () => {
      const session = await connect(server(), { settings: { hostKey: typed('rsa') } });
      expect(session.facts.hostKey.type).toBe('ssh-rsa');
      await session.close();
    });

    test('a changed one stops the operation with both fingerprints, before any sign-in', async () => {
      const expected = `SHA256:${'A'.repeat(43)}`;
      const error: unknown = await connect(server(), {
        settings: { hostKey: expected },
        credential: WRONG,
      }).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'ADAPTER_DISABLED' });
      expect(String(error)).toContain(`it shows ssh-ed25519 ${pin('ed25519')}`);
      expect(String(error)).toContain(`expected was ${expected}`);
    });

    test('a verifier that is async would accept it: the library takes the promise for a yes', async () => {
      const client = new SftpClient('bare', { error() {}, end() {}, close() {} });
      const { port, user: username, password } = server();
      const verifier = (): Promise<boolean> => Promise.resolve(false);
      await client.connect({
        host: '127.0.0.1',
        port,
        username,
        password,
        hostVerifier: verifier as unknown as () => boolean,
      });
      expect(await client.cwd()).toBe(server().home);
      await client.end();
    });

    test('without any pin it is refused, and shown', async () => {
      await expect(connect(server(), { settings: { hostKey: [] } })).rejects.toThrow(
        `It shows ssh-ed25519 ${pin('ed25519')}: compare that with what its owner says`,
      );
    });

    test('known_hosts serves as well, and is read at each connection', async () => {
      await using folder = await temporaryFolder();
      const knownHosts = join(folder.path, 'known_hosts');
      const settings = { hostKey: [], knownHosts };
      await expect(connect(server(), { settings })).rejects.toThrow(/knownHosts cannot be read/);
      await writeFile(knownHosts, `[127.0.0.1]:1 ${typed('ed25519')}\n`);
      await expect(connect(server(), { settings })).rejects.toThrow(/No host key of/);
      await writeFile(knownHosts, `[127.0.0.1]:${server().port} ${typed('ed25519')}\n`);
      await (await connect(server(), { settings })).close();
      await writeFile(knownHosts, `@revoked * ${typed('ed25519')}\n`);
      await expect(
        connect(server(), { settings: { ...settings, hostKey: pin('ed25519') } }),
      ).rejects.toThrow(/marks as revoked/);
    });
  },
  { hostKeys: ['ed25519', 'rsa'] },
);

describeWithSshd(
  'an old OpenSSH server',
  (server) => {
    test('has no algorithm in common, and the error says which setting helps', async () => {
      await expect(connect(server())).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringMatching(/no algorithm in common\. .*keyExchange/),
      });
    });

    test('is reached once its algorithms are added', async () => {
      const algorithms = {
        keyExchange: '+diffie-hellman-group14-sha1',
        cipher: ['aes128-cbc'],
        mac: '+hmac-sha1',
      };
      await (await connect(server(), { settings: { algorithms } })).close();
    });

    test('an algorithm that does not exist is named as the problem', async () => {
      await expect(
        connect(server(), { settings: { algorithms: { cipher: 'rot13' } } }),
      ).rejects.toMatchObject({
        code: 'ADAPTER_DISABLED',
        message: expect.stringMatching(/algorithms is not known/),
      });
    });
  },
  {
    lines: ['KexAlgorithms diffie-hellman-group14-sha1', 'Ciphers aes128-cbc', 'MACs hmac-sha1'],
  },
);

describeWithSshd(
  'OpenSSH without SFTP',
  (server) => {
    test('is told from a refused sign-in', async () => {
      await expect(connect(server())).rejects.toThrow(/let us sign in but starts no SFTP/);
    });
  },
  { lines: ['Subsystem sftp /bin/false'] },
);

describeWithSshd(
  'OpenSSH that has locked us out after failed sign-ins',
  (server) => {
    test('is lost before its greeting: an error to be tried again, which names the lock', async () => {
      for (let n = 0; n < 2; n++) {
        await connect(server(), { credential: WRONG }).catch(() => undefined);
      }
      await expect
        .poll(() => connect(server()).then(() => '', String), { timeout: 10_000 })
        .toMatch(/NotConnectedError.*before its greeting.*locked this host out/);
    });
  },
  { lines: ['PerSourcePenalties authfail:60s min:1s', 'MaxAuthTries 1'] },
);

describe('prompts of keyboard-interactive', () => {
  const credential: Credential = { kind: 'basic', user: 'hub', password: 'open sesame' };
  test.for([
    ['a second factor', [['Password: '], ['Code: ']], /asked again/],
    ['two questions at once', [['Password: ', 'Code: ']], /not a question for the password alone/],
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

describe('a port that is not SSH is named', () => {
  const refusal = async (port: number, settings = {}): Promise<string> => {
    const { lent } = lentTo(port, {
      settings: { hostKey: `SHA256:${'A'.repeat(43)}`, connectTimeout: '6s', ...settings },
    });
    const error: unknown = await connectSftp(lent, lent.signal).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
    return String(error);
  };

  test('implicit FTPS on port 990: TLS at once', async () => {
    await using made = await certificates();
    const { certificate: cert, key } = made.server;
    await using server = await listening(createTlsServer({ cert, key }));
    expect(await refusal(server.port)).toMatch(
      /speaks TLS at once, as implicit FTPS does.*, not SSH\. .*security: implicit/,
    );
  });

  test.for([
    ['FTP', '220 ProFTPD FTP Server ready\r\n', /is an FTP server, not SSH\. Use ftps-in/],
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n', /is a web server, not SSH/],
    ['mail', '220 mx.example ESMTP Postfix\r\n', /is a mail server, not SSH/],
  ] as const)('%s', async ([, greeting, message]) => {
    await using server = await listening(createServer((socket) => socket.write(greeting)));
    expect(await refusal(server.port)).toMatch(message);
  });

  test('a port that accepts and says nothing', async () => {
    const resources = openResources();
    await using server = await listening(createServer(() => undefined));
    expect(await refusal(server.port, { connectTimeout: '300ms' })).toMatch(
      /did not finish connecting in time\. Check that an SSH server listens/,
    );
    await server[Symbol.asyncDispose]();
    await resources.expectNothingNew();
  });

  test('a port that closes at once', async () => {
    await using server = await listening(createServer((socket) => socket.end()));
    expect(await refusal(server.port)).toMatch(/closed the connection before its greeting/);
  });

  test('a port where nobody listens', async () => {
    const server = await listening(createServer());
    await server[Symbol.asyncDispose]();
    expect(await refusal(server.port)).toMatch(/nothing listens on 127.0.0.1/);
  });
});

async function listening(server: Server): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
