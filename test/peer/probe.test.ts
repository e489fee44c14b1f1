import { once } from 'node:events';
import { type AddressInfo, createServer as createPlain, type Server } from 'node:net';
import { createServer as createSecure, type TlsOptions } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { type Credential, inbound, setting, type TestStep } from '../../src/adapter/index.ts';
import { certificateAuthority } from '../../src/credential/certificate-maker.ts';
import { dial, probe, tlsClient } from '../../src/peer/index.ts';
import { type Certificates, certificates } from '../support/certificates.ts';
import { lend, testSteps } from '../support/open-adapter.ts';

const settings = { connect: setting.address({ help: 'x' }), tls: tlsClient() };

/** As small as an adapter can be: it only tests its connection. */
const prober = inbound({
  type: 'probe-in',
  title: 'Probe',
  summary: 'Probes.',
  settings,
  open: () => Promise.resolve({ close: () => Promise.resolve() }),
  test: ({ settings: { connect, tls }, ...lent }, step) =>
    probe(lent, step, { address: connect, tls, silent: true }),
});

interface Listening extends AsyncDisposable {
  readonly connect: string;
  readonly port: number;
}

async function listening(server: Server): Promise<Listening> {
  server.on('connection', (socket) => socket.on('error', () => undefined));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    connect: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

const greeter = (text: string): Promise<Listening> =>
  listening(createPlain((socket) => socket.end(text)));

const silent = (): Promise<Listening> => listening(createPlain((socket) => socket.resume()));

const secure = (options: TlsOptions): Promise<Listening> =>
  listening(
    createSecure(options, (socket) => {
      socket.on('error', () => undefined);
      if (options.requestCert === true && !socket.authorized) socket.destroy();
    }),
  );

const summary = (steps: readonly TestStep[]): string[] =>
  steps.map(({ name, result }) => `${name} ${result}`);

describe('a plain connection', () => {
  test('passes by name and TCP', async () => {
    await using peer = await silent();
    const steps = await testSteps(prober, { connect: `localhost:${peer.port}` });
    expect(summary(steps)).toEqual(['name passed', 'TCP passed']);
    expect(steps[1]?.detail).toMatch(/^connected to .*127\.0\.0\.1:\d+ in \d+ ms$/);
  });

  test('to a name nobody knows fails at the name', async () => {
    const steps = await testSteps(prober, { connect: 'nowhere.invalid:2575' });
    expect(summary(steps)).toEqual(['name failed']);
    expect(steps[0]?.cause).toMatch(/nowhere\.invalid/);
    expect(steps[0]?.remedy).toMatch(/DNS/);
  });

  test('to a port where nothing listens fails at TCP', async () => {
    const peer = await silent();
    await peer[Symbol.asyncDispose]();
    const steps = await testSteps(prober, { connect: peer.connect });
    expect(summary(steps)).toEqual(['name passed', 'TCP failed']);
    expect(steps[1]?.cause).toBe(`nothing listens on ${peer.connect}`);
  });

  test.for([
    { greeting: 'SSH-2.0-OpenSSH_10.0\r\n', seen: /is an SSH or SFTP server/ },
    { greeting: '220 mail.example ESMTP Postfix\r\n', seen: /is a mail server/ },
    { greeting: '220 (vsFTPd 3.0.5)\r\n', seen: /is an FTP server/ },
    { greeting: 'HTTP/1.1 400 Bad Request\r\n\r\n', seen: /is a web server/ },
    { greeting: '* OK [CAPABILITY IMAP4rev1] ready\r\n', seen: /is an IMAP server/ },
    { greeting: '+OK POP3 ready\r\n', seen: /is a POP3 server/ },
    { greeting: '', seen: /accepted the connection and closed it at once/ },
  ])('to a port that says "$greeting" names what is there', async ({ greeting, seen }) => {
    await using peer = await greeter(greeting);
    const steps = await testSteps(prober, { connect: peer.connect });
    expect(steps.at(-1)).toMatchObject({
      name: 'TCP',
      result: 'failed',
      cause: expect.stringMatching(seen),
      remedy: expect.stringMatching(/.{10}/),
    });
  });

  test('asks for TLS with bytes in which no receiver of HL7 finds a message', async () => {
    const heard: Buffer[] = [];
    await using peer = await listening(
      createPlain((socket) => socket.on('data', (bytes: Buffer) => heard.push(bytes))),
    );
    expect(summary(await testSteps(prober, { connect: peer.connect }))).toEqual([
      'name passed',
      'TCP passed',
    ]);
    const asked = Buffer.concat(heard);
    expect(asked[0], 'the beginning of TLS').toBe(0x16);
    expect([0x0b, 0x1c].filter((mark) => asked.includes(mark))).toEqual([]);
  });

  test('to a port that speaks TLS says so, also if that asks for a certificate', async () => {
    await using all = await certificates();
    const { certificate: cert, key } = all.server;
    await using open = await secure({ cert, key });
    await using mutual = await secure({ cert, key, requestCert: true, maxVersion: 'TLSv1.2' });
    await using newest = await secure({ cert, key, minVersion: 'TLSv1.3' });
    for (const { connect } of [open, mutual, newest]) {
      const steps = await testSteps(prober, { connect });
      expect(steps.at(-1)).toMatchObject({
        result: 'failed',
        cause: `${connect} speaks TLS`,
        remedy: 'Add a tls block to the settings',
      });
    }
  });
});

const ca = (all: Certificates): object => ({ trust: all.trust });

describe('a connection with TLS', () => {
  test('passes, and describes protocol, cipher, certificate and expiry', async () => {
    await using all = await certificates();
    await using peer = await secure({ cert: all.server.certificate, key: all.server.key });
    const steps = await testSteps(prober, { connect: peer.connect, tls: ca(all) });
    expect(summary(steps)).toEqual(['name passed', 'TCP passed', 'TLS passed']);
    expect(steps[2]?.detail).toMatch(
      /^TLSv1\.3 TLS_\w+; CN=localhost, issued by CN=Test authority, valid until \d{4}-\d\d-\d\d, for DNS:localhost, IP:127\.0\.0\.1; sent without intermediates$/,
    );
  });

  test('shows the certificates that came with the peer’s own, also where they are not trusted', async () => {
    await using all = await certificates();
    const subordinate = certificateAuthority('Strange authority').intermediate('Strange branch');
    const { certificate: cert, key } = subordinate.issue({ commonName: 'localhost' });
    await using peer = await secure({ cert, key });
    const steps = await testSteps(prober, { connect: peer.connect, tls: ca(all) });
    expect(steps.at(-1)).toMatchObject({
      result: 'failed',
      detail: expect.stringMatching(/; sent with CN=Strange branch \(until \d{4}-\d\d-\d\d\)$/),
      cause: expect.stringMatching(/is not trusted here/),
    });
  });

  const failures: readonly {
    what: string;
    server?: (all: Certificates) => TlsOptions;
    tls?: (all: Certificates) => object;
    cause: RegExp;
  }[] = [
    {
      what: 'an authority that is not trusted',
      server: (all) => ({ cert: all.strangeServer.certificate, key: all.strangeServer.key }),
      cause:
        /\(issued by CN=Strange authority\) is signed by an authority that is not trusted here/,
    },
    {
      what: 'an expired certificate',
      server: (all) => ({ cert: all.expiredServer.certificate, key: all.expiredServer.key }),
      cause: /has expired on \d{4}/,
    },
    {
      what: 'a certificate for another name',
      tls: (all) => ({ trust: all.trust, serverName: 'ward.example' }),
      cause: /is for other names \(DNS:localhost, IP:127\.0\.0\.1\)/,
    },
    {
      what: 'a certificate that is not on the list',
      tls: (all) => ({ trust: all.trust, verifyName: false, allow: ['CN=ward.example'] }),
      cause: /\(CN=localhost\) is not on the list of allowed names/,
    },
    {
      what: 'a peer that wants a client certificate',
      server: (all) => ({
        cert: all.server.certificate,
        key: all.server.key,
        ca: all.authority.certificate,
        requestCert: true,
        rejectUnauthorized: true,
      }),
      cause: /asks for a client certificate and none was sent|closed the connection/,
    },
    {
      what: 'a peer that does not trust our certificate',
      server: (all) => ({
        cert: all.server.certificate,
        key: all.server.key,
        ca: all.authority.certificate,
        requestCert: true,
        rejectUnauthorized: true,
        maxVersion: 'TLSv1.2',
      }),
      tls: (all) => ({ trust: all.trust, certificate: 'strange' }),
      cause: /does not trust the authority of our certificate|closed the connection/,
    },
    {
      what: 'a peer of an older protocol',
      server: (all) => ({
        cert: all.server.certificate,
        key: all.server.key,
        maxVersion: 'TLSv1.2',
      }),
      tls: (all) => ({ trust: all.trust, minimum: 'TLSv1.3' }),
      cause: /no TLS version in common/,
    },
  ];

  test.for(failures)('names $what', async ({ server, tls = ca, cause }) => {
    await using all = await certificates();
    const options = server?.(all) ?? { cert: all.server.certificate, key: all.server.key };
    await using peer = await secure(options);
    const credentials: Record<string, Credential> = { strange: all.strangeClient };
    const steps = await testSteps(
      prober,
      { connect: peer.connect, tls: tls(all) },
      { credentials },
    );
    expect(steps.at(-1)).toMatchObject({
      name: 'TLS',
      result: 'failed',
      cause: expect.stringMatching(cause),
      remedy: expect.stringMatching(/.{10}/),
    });
  });

  test('to a port that speaks plain text names what speaks there', async () => {
    await using all = await certificates();
    await using peer = await greeter('220 mail.example ESMTP Postfix\r\n');
    const steps = await testSteps(prober, { connect: peer.connect, tls: ca(all) });
    expect(steps.at(-1)?.cause).toMatch(/does not speak TLS on this port: it is a mail server/);
  });
});

describe('dialling', () => {
  const never = new AbortController().signal;

  test('gives a socket whose peer is proven', async () => {
    await using all = await certificates();
    await using peer = await secure({ cert: all.server.certificate, key: all.server.key });
    const { lent } = lend(settings, { connect: peer.connect, tls: { trust: all.trust } }, {});
    const { connect, tls } = lent.settings;
    const socket = await dial(lent, { address: connect, tls, timeout: 5_000 }, never);
    expect(socket).toMatchObject({ authorized: true });
    socket.destroy();
  });

  test('fails as not connected, with TLS as the cause where it is', async () => {
    await using all = await certificates();
    const { certificate: cert, key } = all.strangeServer;
    await using peer = await secure({ cert, key });
    const { lent } = lend(settings, { connect: peer.connect, tls: { trust: all.trust } }, {});
    const { connect, tls } = lent.settings;
    const dialled = dial(lent, { address: connect, tls, timeout: 5_000 }, never);
    await expect(dialled).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(
        /^Not connected: the certificate of .* is not trusted here\. Put/,
      ),
      cause: { code: 'TLS_REFUSED' },
    });
  });

  test('gives up after its time, naming what to check', async () => {
    await using all = await certificates();
    await using peer = await silent();
    const { lent } = lend(settings, { connect: peer.connect, tls: { trust: all.trust } }, {});
    const { connect, tls } = lent.settings;
    const dialled = dial(lent, { address: connect, tls, timeout: 50 }, never);
    await expect(dialled).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(/did not answer within 50ms\. Check/),
    });
  });

  test('stops when it is told to', async () => {
    await using peer = await silent();
    const stopped = AbortSignal.abort(new Error('stopped'));
    const { lent } = lend(settings, { connect: peer.connect }, {});
    const dialled = dial(lent, { address: lent.settings.connect, timeout: 5_000 }, stopped);
    await expect(dialled).rejects.toThrow('stopped');
  });
});
