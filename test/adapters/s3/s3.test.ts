import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import s3In from '../../../adapters/s3/s3-in.ts';
import s3Out from '../../../adapters/s3/s3-out.ts';
import { describeInbound } from '../../contract/inbound.contract.ts';
import { describeOutbound } from '../../contract/outbound.contract.ts';
import { takenObjects, writtenObjects } from '../../support/object-peers.ts';
import { noObjectStore, type ObjectStore, objectStore } from '../../support/object-store.ts';
import {
  messageOf,
  type OpenOptions,
  openInbound,
  openOutbound,
  streamedBody,
  testSteps,
} from '../../support/open-adapter.ts';
import { type TcpGate, tcpGate } from '../../support/tcp-gate.ts';
import { troubledProxy } from '../../support/troubled-proxy.ts';
import { webServer } from '../../support/web-server.ts';

const options: OpenOptions = {
  credentials: { key: { kind: 'basic', user: 'key', password: 'secret' } },
};

let buckets = 0;

describe.skipIf(noObjectStore !== undefined)('S3', () => {
  let server: ObjectStore;

  beforeAll(async () => {
    server = await objectStore();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const fresh = async (): Promise<{ bucket: string; given: Record<string, unknown> }> => {
    const bucket = `bucket-${++buckets}`;
    await server.bucket(bucket);
    return { bucket, given: { endpoint: server.url, bucket, pathStyle: true, credential: 'key' } };
  };

  const behindGate = async (): Promise<{
    bucket: string;
    gate: TcpGate;
    given: Record<string, unknown>;
  }> => {
    const { bucket, given } = await fresh();
    const gate = await tcpGate(Number(new URL(server.url).port));
    return { bucket, gate, given: { ...given, endpoint: `http://127.0.0.1:${gate.port}` } };
  };

  const ownPlace = async (): Promise<Parameters<typeof takenObjects>[0]> => {
    const { bucket: place, gate, given } = await behindGate();
    return { server, place, gate, given, options };
  };

  describeOutbound(s3Out, {
    peer: async () => writtenObjects(await ownPlace()),
    gaps: {
      temporary: 'the server has no such state',
      final: 'tested elsewhere: a missing bucket',
    },
  });

  describeInbound(s3In, {
    peer: async () => takenObjects(await ownPlace()),
  });

  describe('objects that are taken', () => {
    test('are moved or deleted once they are stored, from subfolders too, and others stay', async () => {
      const { bucket, given } = await fresh();
      await server.put(bucket, 'out/', '');
      await server.put(bucket, 'out/a b+c%.hl7', 'MSH|^~\\&|one');
      await server.put(bucket, 'out/deep/b.hl7', 'MSH|^~\\&|two');
      await server.put(bucket, 'out/c.part', 'three');
      await server.put(bucket, 'elsewhere/d.hl7', 'four');
      await using opened = await openInbound(
        s3In,
        {
          ...given,
          folder: '/out',
          archive: 'taken',
          subfolders: 1,
          every: '20ms',
          stable: '0s',
          order: 'name',
        },
        options,
      );
      await vi.waitFor(() => expect(opened.delivered).toHaveLength(2));
      await vi.waitFor(async () =>
        expect(await server.keys(bucket)).toEqual([
          'elsewhere/d.hl7',
          'out/',
          'out/c.part',
          'taken/a b+c%.hl7',
          'taken/deep/b.hl7',
        ]),
      );
      expect((await server.get(bucket, 'taken/a b+c%.hl7')).bytes.toString()).toBe('MSH|^~\\&|one');
    });

    test('are taken from every page of the listing', async () => {
      const { bucket, given } = await fresh();
      for (let n = 0; n < 10; n++) await server.put(bucket, `out/${n}.txt`, String(n));
      const asked = `${server.url}/${bucket}?list-type=2`;
      expect(await (await fetch(asked)).text()).toContain('<IsTruncated>true');
      await using opened = await openInbound(
        s3In,
        { ...given, folder: 'out', keep: true, every: '20ms', stable: '0s' },
        options,
      );
      await vi.waitFor(() => expect(opened.delivered).toHaveLength(10));
    });
  });

  describe('objects that are written', () => {
    const where = { folder: 'in', name: 'a.bin' };

    test('have the content type and the encryption, and a large body comes in parts', async () => {
      const { bucket, given } = await fresh();
      await using opened = await openOutbound(
        s3Out,
        { ...given, ...where, encryption: 'AES256' },
        options,
      );
      const large = randomBytes(20 * 1024 * 1024);
      await opened.send(streamedBody(large));
      const there = await server.get(bucket, 'in/a.bin');
      expect(there.bytes.equals(large)).toBe(true);
      expect([there.type, there.encryption]).toEqual(['application/hl7-v2', 'AES256']);
    });

    test.for([
      ['suspend', ['in/a.bin'], /^ADAPTER_SUSPEND .*already in the bucket/],
      ['replace', ['in/a.bin'], /^$/],
      ['number', ['in/a-1.bin', 'in/a.bin'], /^$/],
    ] as const)('where one has the name: %s', async ([exists, keys, said]) => {
      const { bucket, given } = await fresh();
      await server.put(bucket, 'in/a.bin', 'other');
      await using opened = await openOutbound(s3Out, { ...given, ...where, exists }, options);
      const problem = await opened.send(Buffer.from('mine')).then(
        () => '',
        (error: Error & { code?: string }) => `${error.code} ${error.message}`,
      );
      expect(problem).toMatch(said);
      expect(await server.keys(bucket)).toEqual(keys);
      const kept = (await server.get(bucket, 'in/a.bin')).bytes.toString();
      expect(kept).toBe(exists === 'replace' ? 'mine' : 'other');
    });

    test('twice are there once, and numbered twice where two messages have the same bytes', async () => {
      const { bucket, given } = await fresh();
      await using once = await openOutbound(s3Out, { ...given, ...where }, options);
      await once.send(Buffer.from('same'));
      await once.send(Buffer.from('same'), { possibleDuplicate: true });
      expect(await server.keys(bucket)).toEqual(['in/a.bin']);
      await using numbered = await openOutbound(
        s3Out,
        { ...given, ...where, exists: 'number' },
        options,
      );
      await numbered.send(Buffer.from('same'));
      await numbered.send(Buffer.from('same'), { possibleDuplicate: true });
      expect(await server.keys(bucket)).toEqual(['in/a-1.bin', 'in/a.bin']);
    });

    test('leave no parts behind when their sending is given up', async () => {
      const { bucket, given } = await fresh();
      await using opened = await openOutbound(s3Out, { ...given, ...where }, options);
      const abort = new AbortController();
      const body = messageOf(Buffer.alloc(0)).body;
      const endless = {
        ...body,
        size: 40 * 1024 * 1024,
        async *stream() {
          for (let n = 0; n < 3; n++) yield Buffer.alloc(8 * 1024 * 1024);
          abort.abort(new Error('given up'));
          yield Buffer.alloc(8 * 1024 * 1024);
        },
      };
      await expect(opened.send(endless, {}, abort.signal)).rejects.toThrow(/given up|abort/i);
      expect(await server.keys(bucket)).toEqual([]);
      await vi.waitFor(async () => {
        const uploads = await (await fetch(`${server.url}/${bucket}?uploads`)).text();
        expect(uploads).not.toContain('<UploadId>');
      });
    });
  });

  describe('what is wrong is named', () => {
    test('a bucket that is missing stops the host', async () => {
      const { given } = await fresh();
      await using opened = await openOutbound(
        s3Out,
        { ...given, bucket: 'nowhere', folder: 'in', name: 'a' },
        options,
      );
      expect(opened.events).toContainEqual(
        expect.objectContaining({ name: 'refused', text: expect.stringMatching(/no such bucket/) }),
      );
      await expect(opened.send(Buffer.from('x'))).rejects.toMatchObject({
        code: 'ADAPTER_DISABLED',
        message: expect.stringMatching(/no such bucket\. Correct bucket, region or endpoint/),
      });
    });

    test('by the steps of a connection test', async () => {
      const { given } = await fresh();
      const names = async (more: Readonly<Record<string, unknown>>) =>
        (await testSteps(s3Out, { ...given, folder: 'in', name: 'a', ...more }, options)).map(
          ({ name, result }) => `${name} ${result}`,
        );
      expect(await names({})).toEqual([
        'name passed',
        'TCP passed',
        'bucket passed',
        'path passed',
        'permission passed',
      ]);
      expect((await names({ bucket: 'nowhere' })).at(-1)).toBe('bucket failed');
      expect((await names({ endpoint: 'http://127.0.0.1:9' })).at(-1)).toBe('TCP failed');
      const [, , tls] = await testSteps(
        s3Out,
        { ...given, endpoint: server.url.replace('http', 'https'), folder: 'in', name: 'a' },
        options,
      );
      expect(tls).toMatchObject({ name: 'TLS', result: 'failed' });
    });

    test.for([
      ['InvalidAccessKeyId', 403, /^The /, /does not know the access key/],
      ['SignatureDoesNotMatch', 403, /^The /, /secret does not fit/],
      ['RequestTimeTooSkewed', 403, /^The /, /clocks differ/],
      ['PermanentRedirect', 301, /^The /, /another region/],
      ['AccessDenied', 403, /^ADAPTER_TEMPORARY /, /denies it/],
      ['SlowDown', 503, /^ADAPTER_TEMPORARY /, /status 503 \(SlowDown\)/],
    ] as const)('by the server’s code %s', async ([code, status, ours, text]) => {
      await using refusing = await webServer(() => ({
        status,
        headers: { 'content-type': 'application/xml' },
        body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>secret-name.hl7</Message></Error>`,
      }));
      const { given } = await fresh();
      const opening = openInbound(
        s3In,
        { ...given, endpoint: refusing.url, folder: 'out', every: '1h' },
        options,
      );
      const told = await opening.then(
        (opened) => opened.events.map((one) => one.text).join(),
        (error: Error & { code?: string }) => `${error.code} ${error.message}`,
      );
      expect(told).toMatch(text);
      expect(told).toMatch(ours);
      expect(told).not.toContain('secret-name');
    });
  });

  test('a connection that is cut is told as that, not as slow', async () => {
    const { given } = await fresh();
    await using proxy = await troubledProxy(Number(new URL(server.url).port));
    proxy.be('resetting');
    const endpoint = `http://127.0.0.1:${proxy.port}`;
    const opening = openOutbound(s3Out, { ...given, endpoint, folder: 'in', name: 'x' }, options);
    await expect(opening).rejects.toMatchObject({
      code: 'ADAPTER_TEMPORARY',
      message: expect.stringMatching(/127\.0\.0\.1:\d+ closed the connection/),
    });
  });

  test('it goes on after the server was gone, twice', async () => {
    const { bucket, gate, given } = await behindGate();
    await using _ = gate;
    await using opened = await openOutbound(
      s3Out,
      { ...given, folder: 'in', name: '{id}' },
      options,
    );
    for (const id of [7_000_001, 7_000_002]) {
      await gate.shut();
      await expect(opened.send(Buffer.from('x'), { id })).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
      });
      await gate.open();
      await opened.send(Buffer.from('x'), { id });
    }
    expect(await server.keys(bucket)).toHaveLength(2);
  });
});
