import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, test, vi } from 'vitest';
import { connectFtps } from '../../../adapters/ftps/connect.ts';
import ftpsOut from '../../../adapters/ftps/ftps-out.ts';
import { SECRET_MARKER } from '../../contract/marker.ts';
import { certificates } from '../../support/certificates.ts';
import { cuttingProxy } from '../../support/cutting-proxy.ts';
import { describeWithFtpd, ftpsLent, ftpsPrograms, ftpsTo } from '../../support/ftps-server.ts';
import { openResources } from '../../support/nothing-open.ts';
import { openOutbound } from '../../support/open-adapter.ts';
import { listening } from '../../support/tcp-server.ts';

async function refusal(
  port: number,
  settings: Readonly<Record<string, unknown>> = {},
  password = 'open sesame',
): Promise<{ code?: string; message: string }> {
  const lent = ftpsLent(port, settings, { kind: 'basic', user: 'hub', password });
  try {
    const session = await connectFtps(lent, lent.signal);
    session.close();
    return { message: 'it connected' };
  } catch (error) {
    return error as Error;
  }
}

/** The runs of a test that does not always make sense: none instead of a skipped one, which is for a missing server. */
const onceIf = (makesSense: boolean): readonly true[] => (makesSense ? [true] : []);

for (const program of ftpsPrograms) {
  for (const security of ['explicit', 'implicit', 'none'] as const) {
    describeWithFtpd(`connecting with security ${security}`, { program, security }, (server) => {
      const right = (): Record<string, unknown> =>
        security === 'none' ? { security } : { security, tls: { trust: server().trust } };

      test('signs in, encrypted as told', async () => {
        await using proxy = await cuttingProxy(server().port);
        const lent = ftpsLent(proxy.port, right());
        const session = await connectFtps(lent, lent.signal);
        expect(session.facts.security).toMatch(security === 'none' ? /^no enc/ : /^TLSv1.3, TLS_/);
        expect(session.facts.start).toBe(server().home);
        session.close();
        const seen = proxy.passed('toServer').includes('open sesame');
        expect(seen, 'whether the password went in clear').toBe(security === 'none');
      });

      test.for(onceIf(security !== 'explicit'))(
        'the wrong kind of security (explicit) is named with the right one',
        async () => {
          const error = await refusal(server().port, { ...right(), security: 'explicit' });
          expect(error).toMatchObject({
            code: 'ADAPTER_NOT_CONNECTED',
            message: expect.stringMatching(
              security === 'implicit'
                ? /speaks TLS from the start: this is implicit TLS\. Set security: implicit/
                : /offers no TLS: it refused AUTH TLS \(5\d\d\)\. Ask its owner/,
            ),
          });
        },
      );

      test.for(onceIf(security !== 'implicit'))(
        'the wrong kind of security (implicit) is named with the right one',
        async () => {
          const error = await refusal(server().port, { security: 'implicit' });
          expect(error).toMatchObject({
            code: 'ADAPTER_NOT_CONNECTED',
            message: expect.stringMatching(
              /begins in plain text.*explicit TLS\. Set security: explicit/,
            ),
          });
        },
      );

      test.for(onceIf(security !== 'none'))(
        'no encryption is refused, before the password',
        async () => {
          const error = await refusal(server().port, { security: 'none' });
          expect(error).toMatchObject({
            code: 'ADAPTER_NOT_CONNECTED',
            message: expect.stringMatching(
              security === 'explicit' ? /no sign-in without encryption/ : /Set security: implicit/,
            ),
          });
        },
      );

      test('a refused sign-in stops the operation and shows no secret', async () => {
        const error = await refusal(server().port, right(), SECRET_MARKER);
        expect(error).toMatchObject({ code: 'ADAPTER_DISABLED' });
        expect(error.message).toMatch(
          /refused the sign-in of hub \(530\)\. Check user and password/,
        );
        expect(error.message).not.toContain(SECRET_MARKER);
      });

      test.for(onceIf(security !== 'none'))(
        'a certificate that is not trusted is refused',
        async () => {
          const error = await refusal(server().port, { security });
          expect(error).toMatchObject({
            code: 'ADAPTER_NOT_CONNECTED',
            message: expect.stringMatching(
              /authority that is not trusted here\. Put the authority/,
            ),
          });
          const named = await refusal(server().port, {
            security,
            tls: { trust: server().trust, serverName: 'other.example' },
          });
          expect(named.message).toMatch(/is for other names/);
        },
      );
    });
  }
}

describeWithFtpd(
  'a server that takes one connection at a time',
  { program: 'vsftpd', lines: ['max_per_ip=1'] },
  (server) => {
    test('is tried again, says that it is full, and is reached once it has room', async () => {
      const { given, options } = ftpsTo(server());
      const settings = { ...given, folder: '', name: '{id}' };
      // what looked whether it is up counts as well, for a moment
      const first = await vi.waitFor(() => openOutbound(ftpsOut, settings, options));
      await expect(openOutbound(ftpsOut, settings, options)).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringMatching(/accepts no connection now \(421\).*limit/),
      });
      await first.close();
      await using second = await vi.waitFor(() => openOutbound(ftpsOut, settings, options));
      await second.send(Buffer.from('x'));
    });
  },
);

describe('a port that is not FTP is named', () => {
  test.for([
    [
      'SSH',
      'SSH-2.0-OpenSSH_10.0\r\n',
      /is an SSH server: it speaks SFTP.*Use sftp-in or sftp-out/,
    ],
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n', /is a web server, not FTP/],
    ['mail', '220 mx.example ESMTP Postfix\r\n', /is a mail server, not FTP/],
    [
      'a server that wants more of TLS',
      '421 Client certificate required\r\n',
      /over TLS \(421\)\. It may want a client certificate/,
    ],
    ['a full FTP server', '421 Too many users\r\n', /accepts no connection now \(421\)/],
  ] as const)('%s', async ([, greeting, message]) => {
    await using server = await listening(createServer((socket) => socket.write(greeting)));
    expect((await refusal(server.port)).message).toMatch(message);
  });

  test('a server that wants TLS before it greets', async () => {
    const greeting = '421 TLS is required\r\n';
    await using server = await listening(createServer((socket) => socket.write(greeting)));
    const { message } = await refusal(server.port, { security: 'none' });
    expect(message).toMatch(/without encryption \(421\)\. Set security: explicit/);
  });

  test('TLS at once, of whatever service', async () => {
    await using made = await certificates();
    const { certificate: cert, key } = made.server;
    await using server = await listening(createTlsServer({ cert, key }));
    expect((await refusal(server.port)).message).toMatch(/Set security: implicit/);
  });

  test('a port that accepts and says nothing, and leaves nothing behind', async () => {
    const resources = openResources();
    await using server = await listening(createServer(() => undefined));
    for (const security of ['explicit', 'implicit', 'none']) {
      const error = await refusal(server.port, { security, connectTimeout: '300ms' });
      expect(error.message).toMatch(/did not finish connecting in time/);
    }
    await server[Symbol.asyncDispose]();
    await resources.expectNothingNew();
  });

  test('a TLS handshake that is never answered', async () => {
    await using server = await listening(
      createServer((socket) => {
        socket.write('220 FTP ready\r\n');
        socket.once('data', () => socket.write('234 Go ahead\r\n'));
      }),
    );
    const error = await refusal(server.port, { connectTimeout: '300ms' });
    expect(error.message).toMatch(/did not finish connecting in time/);
  });

  test('a port that closes at once, and one where nobody listens', async () => {
    const server = await listening(createServer((socket) => socket.end()));
    expect((await refusal(server.port)).message).toMatch(/closed the connection before its greet/);
    await server[Symbol.asyncDispose]();
    expect((await refusal(server.port)).message).toMatch(/nothing listens on/);
  });

  test('a server that refuses to encrypt files gets none', async () => {
    const script: Readonly<Record<string, string>> = {
      AUTH: '234 Go ahead',
      OPTS: '200 Fine',
      USER: '331 Password',
      PASS: '230 Welcome',
      FEAT: '211 None',
      TYPE: '200 Binary',
      STRU: '200 File',
      PBSZ: '200 0',
      PROT: '536 Not with me',
    };
    await using made = await certificates();
    const { certificate: cert, key } = made.server;
    const answer = (line: string): string => `${script[line.slice(0, 4)] ?? '502 What?'}\r\n`;
    await using server = await listening(
      createTlsServer({ cert, key }, (socket) => {
        socket.write('220 FTP ready\r\n');
        socket.setEncoding('utf8').on('data', (text) => {
          for (const line of String(text).trim().split('\r\n')) socket.write(answer(line));
        });
      }),
    );
    const error = await refusal(server.port, {
      security: 'implicit',
      tls: { trust: made.trust },
    });
    expect(error.message).toMatch(/refuses to encrypt files \(PROT P, 536\)/);
  });
});
