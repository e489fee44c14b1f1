import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { connectSftp } from '../../../adapters/ssh/sftp/connect.ts';
import { certificates } from '../../support/certificates.ts';
import { openResources } from '../../support/nothing-open.ts';
import { connectTo, describeWithSshd, lentTo } from '../../support/ssh-server.ts';
import { listening } from '../../support/tcp-server.ts';

describeWithSshd(
  'an old OpenSSH server',
  (server) => {
    test('has no algorithm in common, and the error says which setting helps', async () => {
      await expect(connectTo(server())).rejects.toMatchObject({
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
      const session = await connectTo(server(), {
        settings: { algorithms, connectTimeout: 'forever' },
      });
      expect(session.isAlive).toBe(true);
      await session.close();
    });

    test('an algorithm that does not exist is named as the problem', async () => {
      await expect(
        connectTo(server(), { settings: { algorithms: { cipher: 'rot13' } } }),
      ).rejects.toMatchObject({
        code: 'ADAPTER_DISABLED',
        message: expect.stringMatching(/algorithms is unknown/),
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
      await expect(connectTo(server())).rejects.toThrow(/let us sign in but does not start SFTP/);
    });
  },
  { lines: ['Subsystem sftp /bin/false'] },
);

async function refusal(port: number, settings = {}): Promise<string> {
  const { lent } = lentTo(port, {
    settings: { hostKey: `SHA256:${'A'.repeat(43)}`, connectTimeout: '6s', ...settings },
  });
  const error: unknown = await connectSftp(lent, lent.signal).catch((e: unknown) => e);
  expect(error).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
  return String(error);
}

describe('a port that is not SSH is named', () => {
  test('implicit FTPS on port 990: TLS at once', async () => {
    await using made = await certificates();
    const { certificate: cert, key } = made.server;
    await using server = await listening(createTlsServer({ cert, key }));
    expect(await refusal(server.port)).toMatch(
      /speaks TLS from the start, as implicit FTPS does.*, not SSH\. .*security: implicit/,
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
