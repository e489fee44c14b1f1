import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { type CertificateCredential } from '../../../src/adapter/index.ts';
import { certificateAuthority } from '../../../src/credential/certificate-maker.ts';
import { tlsServer } from '../../../src/peer/index.ts';
import { type Certificates, certificates, credentialOf } from '../../support/certificates.ts';
import { dropFile } from '../../support/drop-file.ts';
import { lend } from '../../support/open-adapter.ts';
import { greeting, listen, shown } from './tls-listener.ts';

describe('a server that requires client certificates', () => {
  const cases: readonly {
    who: string;
    client: (all: Certificates) => CertificateCredential | undefined;
    refused?: RegExp;
  }[] = [
    { who: 'a client with a valid certificate of an allowed name', client: (all) => all.client },
    {
      who: 'a client without a certificate',
      client: () => undefined,
      refused: /Refused 127\.0\.0\.1: it sent no certificate\. Give the client/,
    },
    {
      who: 'a client of an authority that is not trusted',
      client: (all) => all.strangeClient,
      refused: /\(CN=client-a\): .*signed by an authority that is not trusted here.*trust/,
    },
    {
      who: 'a client whose certificate has expired',
      client: (all) => all.expiredClient,
      refused: /\(CN=client-a\): .*has expired on \d{4}-\d\d-\d\d/,
    },
    {
      who: 'a client whose name is not on the list',
      client: (all) => all.otherClient,
      refused: /\(CN=client-b\).*is not on the list of allowed names.*allow/,
    },
  ];

  test.for(cases)('decides on $who, and says who was refused and why', async (one) => {
    await using all = await certificates();
    await using server = await listen(
      {
        certificate: 'hub',
        clientCertificate: 'required',
        trust: all.trust,
        allow: ['CN=client-a'],
      },
      { hub: all.server },
    );
    const client = one.client(all);
    const { text } = await greeting(server.port, {
      ca: all.authority.certificate,
      ...(client && shown(client)),
    });
    expect(text).toBe(one.refused === undefined ? 'welcome' : '');
    const texts = server.events.map((event) => event.text).join('\n');
    expect(texts).toMatch(one.refused ?? /^$/);
  });

  test('admits by a URI, an address or a fingerprint as well', async () => {
    await using all = await certificates();
    const fingerprint = new X509Certificate(all.otherClient.certificate).fingerprint256;
    await using server = await listen(
      {
        certificate: 'hub',
        clientCertificate: 'required',
        trust: all.trust,
        allow: ['URI:urn:client-a', `SHA256:${fingerprint}`],
      },
      { hub: all.server },
    );
    const ca = all.authority.certificate;
    const answers = [
      await greeting(server.port, { ca, ...shown(all.client) }),
      await greeting(server.port, { ca, ...shown(all.otherClient) }),
    ];
    expect(answers.map(({ text }) => text)).toEqual(['welcome', 'welcome']);
  });

  test('names a revoked certificate, and an expired revocation list', async () => {
    await using all = await certificates();
    const crl = await all.file('crl.pem', all.authority.revocationList([all.client.certificate]));
    const settings = {
      certificate: 'hub',
      clientCertificate: 'required',
      trust: all.trust,
      crl,
    };
    await using server = await listen(settings, { hub: all.server });
    const ca = all.authority.certificate;
    expect((await greeting(server.port, { ca, ...shown(all.client) })).text).toBe('');
    expect((await greeting(server.port, { ca, ...shown(all.otherClient) })).text).toBe('welcome');
    expect(server.events.at(-1)?.text).toMatch(/has been revoked by its authority/);

    // while it is being written, or was cut off: what it revoked stays revoked
    const list = await readFile(crl);
    await dropFile(crl, list.subarray(0, list.length / 2));
    await vi.waitFor(() =>
      expect(server.events.at(-1)).toMatchObject({
        name: 'certificate-not-renewed',
        text: expect.stringMatching(/the X509 CRL in the file .*crl\.pem is cut off.* kept\.$/),
      }),
    );
    expect((await greeting(server.port, { ca, ...shown(all.client) })).text).toBe('');
    // also behind the first of several lists, in the line with which the next begins
    const news = (): string[] =>
      server.events.map(({ name }) => name).filter((name) => name.startsWith('certificate-'));
    const before = news();
    await dropFile(crl, `${all.authority.revocationList([])}-----BEGIN X5`);
    await vi.waitFor(() => expect(news()).toEqual([...before, 'certificate-not-renewed']));

    await dropFile(crl, all.authority.revocationList([], new Date(Date.now() - 3_600_000)));
    await vi.waitFor(() =>
      expect(server.events.map((event) => event.name)).toContain('certificate-renewed'),
    );
    expect((await greeting(server.port, { ca, ...shown(all.otherClient) })).text).toBe('');
    const texts = server.events.map((event) => event.text).join('\n');
    expect(texts).toMatch(/the revocation list named by tls\.crl expired on/);
    expect(texts).toMatch(/revocation list named by crl is out of date/);
  });

  test('names a certificate that begins later, and one that signed itself where there are lists', async () => {
    await using all = await certificates();
    const crl = await all.file('crl.pem', all.authority.revocationList([]));
    const settings = { certificate: 'hub', clientCertificate: 'required', trust: all.trust, crl };
    await using server = await listen(settings, { hub: all.server });
    const notBefore = new Date('2100-01-01');
    const terms = { commonName: 'client-a', notBefore, notAfter: new Date('2101-01-01') };
    const files = { cert: join(all.folder, 'own.crt'), key: join(all.folder, 'own.key') };
    const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9';
    const given = ['-subj', '/CN=own', '-keyout', files.key, '-out', files.cert];
    await promisify(execFile)('openssl', request.split(' ').concat(given));
    const own = { cert: await readFile(files.cert), key: await readFile(files.key) };
    for (const client of [shown(credentialOf(all.authority.issue(terms))), own]) {
      await greeting(server.port, { ca: all.authority.certificate, ...client });
    }
    const texts = server.events.map((event) => event.text);
    expect(texts[0]).toMatch(/is not valid yet, but from 2100-01-01 on/);
    expect(texts[1]).toMatch(/is self-signed and not trusted here/);
  });

  test('takes all lists of a file, and ends what is connected with a certificate revoked since', async () => {
    await using all = await certificates();
    const listed = (...revoked: readonly string[]): string =>
      certificateAuthority('Another').revocationList([]) + all.authority.revocationList(revoked);
    const crl = await all.file('crl.pem', listed());
    const settings = { certificate: 'hub', clientCertificate: 'required', trust: all.trust, crl };
    await using server = await listen(settings, { hub: all.server });
    const ca = all.authority.certificate;
    const joined = async (client: CertificateCredential): Promise<TLSSocket> => {
      const socket = connect({
        port: server.port,
        servername: 'localhost',
        ca,
        ...shown(client),
      });
      await once(
        socket.on('error', () => undefined),
        'data',
      );
      return socket;
    };
    const [revoked, other] = [await joined(all.client), await joined(all.otherClient)];
    const session = revoked.getSession();
    const ended = once(revoked, 'close');
    await writeFile(crl, listed(all.client.certificate));
    await ended;
    expect(server.events.at(-1)?.text).toMatch(/^Refused .*\(CN=client-a\): .*has been revoked/);
    const resumed = { ca, ...shown(all.client), ...(session && { session }) };
    expect((await greeting(server.port, resumed)).text).toBe('');
    expect(other.destroyed || other.readableEnded).toBe(false);
    other.destroy();
  });

  test('refuses a resumed session whose certificate has expired since', async () => {
    await using all = await certificates();
    await using server = await listen(
      { certificate: 'hub', clientCertificate: 'required', trust: all.trust },
      { hub: all.server },
    );
    const end = Math.floor(Date.now() / 1_000) * 1_000 + 2_000;
    const issued = all.authority.issue({ commonName: 'client-a', notAfter: new Date(end) });
    const options = { ca: all.authority.certificate, ...shown(credentialOf(issued)) };
    const first = connect({ port: server.port, servername: 'localhost', ...options });
    const [session] = (await once(first.resume(), 'session')) as [Buffer];
    first.destroy();
    const before = await greeting(server.port, { ...options, session });
    expect(before).toMatchObject({ text: 'welcome', resumed: true });
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(end), { timeout: 3_000 });
    expect((await greeting(server.port, { ...options, session })).text).toBe('');
    expect(server.events.at(-1)?.text).toMatch(/has expired/);
  });

  test('lets a client without a certificate in where it is only requested, but not one with a bad one', async () => {
    await using all = await certificates();
    await using server = await listen(
      { certificate: 'hub', clientCertificate: 'requested', trust: all.trust },
      { hub: all.server },
    );
    const ca = all.authority.certificate;
    expect((await greeting(server.port, { ca })).text).toBe('welcome');
    expect((await greeting(server.port, { ca, ...shown(all.strangeClient) })).text).toBe('');
  });
});

test('a client that speaks plain text is named, once a minute', async () => {
  await using all = await certificates();
  await using server = await listen({ certificate: 'hub' }, { hub: all.server });
  for (let n = 0; n < 3; n++) {
    const socket = connectPlain(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('MSH|^~\\&|\r');
    await new Promise((resolve) => socket.resume().once('close', resolve));
  }
  expect(server.events).toHaveLength(1);
  expect(server.events[0]?.text).toMatch(/sent plain text to a port that speaks TLS/);
});

test('a client below the minimum version is refused', async () => {
  await using all = await certificates();
  await using server = await listen(
    { certificate: 'hub', minimum: 'TLSv1.3' },
    { hub: all.server },
  );
  const ca = all.authority.certificate;
  expect((await greeting(server.port, { ca, maxVersion: 'TLSv1.2' })).text).toBe('');
  expect((await greeting(server.port, { ca })).text).toBe('welcome');
  expect(server.events[0]?.text).toMatch(/no TLS version in common/);
});

test.for([
  {
    what: 'client certificates without an authority to trust',
    given: { certificate: 'hub', clientCertificate: 'required' },
    problem: /settings\.tls\.trust: is required when clientCertificate is required/,
  },
  {
    what: 'a list of names without client certificates',
    given: { certificate: 'hub', allow: ['CN=a'] },
    problem: /settings\.tls\.allow: has no effect/,
  },
  {
    what: 'an entry of the list that is no name',
    given: { certificate: 'hub', clientCertificate: 'required', trust: '/x', allow: ['epic'] },
    problem: /settings\.tls\.allow\.0: must be CN=name/,
  },
])('$what is refused before anything starts', async ({ given, problem }) => {
  await using all = await certificates();
  expect(() =>
    lend({ tls: tlsServer() }, { tls: given }, { credentials: { hub: all.server } }),
  ).toThrow(problem);
});

test.for([
  { what: 'a missing file', file: undefined, problem: /tls\.trust: the file .* cannot be read/ },
  { what: 'a file without a certificate', file: 'hello', problem: /holds no CERTIFICATE in PEM/ },
])('$what of authorities is refused by name', async ({ file, problem }) => {
  await using all = await certificates();
  const trust = file === undefined ? join(all.folder, 'none.pem') : await all.file('bad.pem', file);
  await expect(
    listen({ certificate: 'hub', clientCertificate: 'required', trust }, { hub: all.server }),
  ).rejects.toMatchObject({ code: 'TLS_REFUSED', message: expect.stringMatching(problem) });
});
