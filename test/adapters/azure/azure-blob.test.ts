import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import azureBlobIn from '../../../adapters/azure/azure-blob-in.ts';
import azureBlobOut from '../../../adapters/azure/azure-blob-out.ts';
import { entraSandbox } from '../../../sandbox/entra/entra-sandbox.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { describeInbound } from '../../contract/inbound.contract.ts';
import { describeOutbound } from '../../contract/outbound.contract.ts';
import { type Azurite, azurite, noAzurite } from '../../support/azurite.ts';
import { credentialSet } from '../../support/credential-set.ts';
import { TAKING, takenObjects, writtenObjects } from '../../support/object-peers.ts';
import {
  messageOf,
  type OpenOptions,
  openInbound,
  openOutbound,
  streamedBody,
  testSteps,
} from '../../support/open-adapter.ts';
import { type TcpGate, tcpGate } from '../../support/tcp-gate.ts';

let containers = 0;

const bearer = (text: string): Credential => ({
  kind: 'bearer',
  token: () => Promise.resolve(text),
});

describe.skipIf(noAzurite !== undefined)('Azure Blob Storage', () => {
  let server: Azurite;
  let options: OpenOptions;

  beforeAll(async () => {
    server = await azurite();
    const { account: user, key: password } = server;
    options = { credentials: { key: { kind: 'basic', user, password } } };
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const fresh = async (): Promise<{ container: string; given: Record<string, unknown> }> => {
    const container = `container-${++containers}`;
    await server.container(container);
    const { url: endpoint, trust } = server;
    return { container, given: { endpoint, container, credential: 'key', tls: { trust } } };
  };

  const behindGate = async (): Promise<{
    container: string;
    gate: TcpGate;
    given: Record<string, unknown>;
  }> => {
    const { container, given } = await fresh();
    const gate = await tcpGate(server.port);
    const endpoint = server.url.replace(String(server.port), String(gate.port));
    return { container, gate, given: { ...given, endpoint } };
  };

  const writing = { folder: 'in', name: 'a.bin' };

  const ownPlace = async (): Promise<Parameters<typeof takenObjects>[0]> => {
    const { container: place, gate, given } = await behindGate();
    return { server, place, gate, given, options };
  };

  describeOutbound(azureBlobOut, {
    peer: async () => writtenObjects(await ownPlace()),
    gaps: {
      temporary: 'tested elsewhere: a status of a busy server',
      final: 'tested elsewhere: a missing container',
    },
  });

  describeInbound(azureBlobIn, {
    peer: async () => takenObjects(await ownPlace()),
  });

  describe('blobs that are taken', () => {
    test('are moved once they are stored, from subfolders too, and others stay', async () => {
      const { container, given } = await fresh();
      await server.put(container, 'out/a b+c%&é.hl7', 'MSH|^~\\&|one');
      await server.put(container, 'out/deep/b.hl7', 'MSH|^~\\&|two');
      await server.put(container, 'out/c.part', 'three');
      await server.put(container, 'elsewhere/d.hl7', 'four');
      await server.put(container, 'taken/deep/b.hl7', 'of yesterday');
      await using opened = await openInbound(
        azureBlobIn,
        { ...given, ...TAKING, folder: '/out', archive: 'taken', subfolders: 1 },
        options,
      );
      await vi.waitFor(() => expect(opened.delivered).toHaveLength(2));
      expect(opened.delivered[0]).toMatchObject({ name: 'a b+c%&é.hl7' });
      await vi.waitFor(async () =>
        expect(await server.keys(container)).toEqual([
          'elsewhere/d.hl7',
          'out/c.part',
          'taken/a b+c%&amp;é.hl7',
          expect.stringMatching(/^taken\/deep\/b\.\d{8}T\d+\.hl7$/),
          'taken/deep/b.hl7',
        ]),
      );
      expect((await server.get(container, 'taken/deep/b.hl7')).bytes.toString()).toBe(
        'of yesterday',
      );
    });

    test('of 40 MB are streamed', async () => {
      const { container, given } = await fresh();
      const large = randomBytes(40 * 1024 * 1024);
      await server.put(container, 'out/large.bin', large);
      await using opened = await openInbound(azureBlobIn, { ...given, ...TAKING }, options);
      await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
      expect(large.equals(opened.delivered[0]?.body ?? Buffer.alloc(0))).toBe(true);
      await vi.waitFor(async () => expect(await server.keys(container)).toEqual([]));
    });

    test('stay and are known by their tag, until they are written again', async () => {
      const { container, given } = await fresh();
      await server.put(container, 'out/a.txt', 'one');
      await server.ask('PUT', `${container}/out/a.txt`, {
        query: 'comp=tags',
        body: '<Tags><TagSet><Tag><Key>ward</Key><Value>3</Value></Tag></TagSet></Tags>',
      });
      const open = () => openInbound(azureBlobIn, { ...given, ...TAKING, tag: 'waybill' }, options);
      const tags = async (): Promise<string> =>
        (
          await server.ask('GET', `${container}/out/a.txt`, { query: 'comp=tags' })
        ).bytes.toString();
      {
        await using opened = await open();
        await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
        await vi.waitFor(async () => expect(await tags()).toContain('<Value>taken</Value>'));
        expect(await tags()).toContain('<Key>ward</Key><Value>3</Value>');
      }
      // another engine, which remembers nothing, takes nothing; a blob of the same size and second is another
      await using again = await open();
      await server.put(container, 'out/b.txt', 'new');
      await vi.waitFor(() => expect(again.delivered).toHaveLength(1));
      expect(again.delivered[0]).toMatchObject({ name: 'b.txt' });
      await server.put(container, 'out/a.txt', 'two');
      await vi.waitFor(() => expect(again.delivered).toHaveLength(2));
      expect(again.delivered[1]?.body.toString()).toBe('two');
    });

    test('that are written again while they are stored are neither removed nor left out', async () => {
      const { container, given } = await fresh();
      await server.put(container, 'out/a.txt', 'one');
      await using opened = await openInbound(azureBlobIn, { ...given, ...TAKING }, options);
      opened.hold();
      await vi.waitFor(() => expect(opened.waiting).toBe(1));
      // of the same size, and mostly of the same second
      await server.put(container, 'out/a.txt', 'two');
      opened.release();
      await vi.waitFor(() => expect(opened.delivered).toHaveLength(2));
      expect(opened.delivered.map(({ body }) => body.toString())).toEqual(['one', 'two']);
      await vi.waitFor(async () => expect(await server.keys(container)).toEqual([]));
    });

    test('are leased meanwhile, so that another reader does not take them', async () => {
      const { container, given } = await fresh();
      const leased = { ...given, ...TAKING, lease: true };
      await server.put(container, 'out/a.txt', 'one');
      await using first = await openInbound(azureBlobIn, leased, options);
      first.hold();
      await vi.waitFor(() => expect(first.waiting).toBe(1));
      await using second = await openInbound(azureBlobIn, leased, options);
      // it has looked once it has taken what the first did not
      await server.put(container, 'out/b.txt', 'two');
      await vi.waitFor(() => expect(second.delivered).toHaveLength(1));
      expect(second.delivered[0]).toMatchObject({ name: 'b.txt' });
      await expect(server.put(container, 'out/a.txt', 'late')).rejects.toThrow(/LeaseIdMissing/);
      first.release();
      await vi.waitFor(async () => expect(await server.keys(container)).toEqual([]));
      expect([first.delivered.length, second.delivered.length]).toEqual([1, 1]);
    });
  });

  describe('blobs that are written', () => {
    test('have the content type, and a large body comes in blocks', async () => {
      const { container, given } = await fresh();
      await using opened = await openOutbound(azureBlobOut, { ...given, ...writing }, options);
      const large = randomBytes(20 * 1024 * 1024);
      await opened.send(streamedBody(large));
      const there = await server.get(container, 'in/a.bin');
      expect([there.bytes.equals(large), there.type]).toEqual([true, 'application/hl7-v2']);
    });

    test.for([
      ['suspend', ['in/a.bin'], /^ADAPTER_SUSPEND .*already in the container/],
      ['replace', ['in/a.bin'], /^$/],
      ['number', ['in/a-1.bin', 'in/a.bin'], /^$/],
    ] as const)('where one has the name: %s', async ([exists, keys, said]) => {
      const { container, given } = await fresh();
      await server.put(container, 'in/a.bin', 'other');
      await using opened = await openOutbound(
        azureBlobOut,
        { ...given, ...writing, exists },
        options,
      );
      const problem = await opened.send(Buffer.from('mine')).then(
        () => '',
        (error: Error & { code?: string }) => `${error.code} ${error.message}`,
      );
      expect(problem).toMatch(said);
      expect(await server.keys(container)).toEqual(keys);
      const kept = (await server.get(container, 'in/a.bin')).bytes.toString();
      expect(kept).toBe(exists === 'replace' ? 'mine' : 'other');
    });

    test('in blocks never replace one that came meanwhile', async () => {
      const { container, given } = await fresh();
      await using opened = await openOutbound(azureBlobOut, { ...given, ...writing }, options);
      const { body } = messageOf(Buffer.alloc(0));
      const slow = {
        ...body,
        size: 24 * 1024 * 1024,
        async *stream() {
          yield Buffer.alloc(16 * 1024 * 1024);
          await server.put(container, 'in/a.bin', 'other');
          yield Buffer.alloc(8 * 1024 * 1024);
        },
      };
      await expect(opened.send(slow)).rejects.toMatchObject({ code: 'ADAPTER_SUSPEND' });
      expect((await server.get(container, 'in/a.bin')).bytes.toString()).toBe('other');
    });

    test('twice are there once', async () => {
      const { container, given } = await fresh();
      await using once = await openOutbound(azureBlobOut, { ...given, ...writing }, options);
      await once.send(Buffer.from('same'));
      await once.send(Buffer.from('same'), { possibleDuplicate: true });
      expect(await server.keys(container)).toEqual(['in/a.bin']);
    });
  });

  /** What a connection test says at the end, and as whom it signed in. */
  const tried = async (credential: Credential, more: Readonly<Record<string, unknown>> = {}) => {
    const { given } = await fresh();
    const steps = await testSteps(
      azureBlobOut,
      { ...given, ...writing, ...more },
      { credentials: { key: credential } },
    );
    const { name, result, cause, remedy } = steps.at(-1) ?? {};
    const as = steps.find((one) => one.name === 'container')?.detail;
    return { last: `${name} ${result}`, said: `${cause}. ${remedy}`, as, steps };
  };

  describe('signing in', () => {
    test('by key, SAS and connection string', async () => {
      const { account, key, url } = server;
      const parts = `AccountName=${account};AccountKey=${key};BlobEndpoint=${url};`;
      const ways: readonly (readonly [Credential, RegExp, object?])[] = [
        [{ kind: 'basic', user: account, password: key }, /by a key of the account hospitallab/],
        [bearer(server.sas()), /by a shared access signature/],
        [bearer(`${url}/?${server.sas()}`), /by a shared access signature/],
        [bearer(parts), /by a key of the account/, { endpoint: undefined }],
        [
          bearer(`BlobEndpoint=${url};SharedAccessSignature=${server.sas()}`),
          /by a shared access signature/,
          { endpoint: undefined },
        ],
      ];
      for (const [credential, as, more] of ways) {
        const { last, as: seen, steps } = await tried(credential, { ...more });
        expect(last).toBe('permission passed');
        expect(seen).toMatch(as);
        expect(steps.map(({ name }) => name)).toEqual([
          'name',
          'TCP',
          'TLS',
          'container',
          'path',
          'permission',
        ]);
      }
    });

    test('by a token of Entra, renewed when it is refused', async () => {
      await using entra = await entraSandbox({
        applications: [{ clientId: 'hub', secrets: [{ value: 'secret' }] }],
        resources: ['https://storage.azure.com', 'https://vault.azure.net'],
      });
      const credential = (resource: string) => ({
        kind: 'oauth2',
        provider: 'entra',
        tenant: entra.tenant,
        authority: entra.authority,
        clientId: 'hub',
        authentication: { secret: 'secret' },
        scope: `${resource}/.default`,
        trust: entra.ca,
      });
      await using set = credentialSet({
        storage: credential('https://storage.azure.com'),
        vault: credential('https://vault.azure.net'),
      });
      const good = await tried(await set.credentials.get('storage'));
      expect([good.last, good.as]).toEqual([
        'permission passed',
        expect.stringMatching(/signed in by a token/),
      ]);
      const before = entra.requests.filter(({ method }) => method === 'POST').length;
      const other = await tried(await set.credentials.get('vault'));
      expect(other.last).toBe('container failed');
      expect(other.said).toMatch(/does not accept the token\. Compare its scope/);
      const after = entra.requests.filter(({ method }) => method === 'POST').length;
      expect(after - before).toBe(2);
    });

    test('that fails is told by its cause', async () => {
      const { account, key } = server;
      const wrong = Buffer.from('another key').toString('base64');
      const cases: readonly (readonly [Credential, string, RegExp, object?])[] = [
        [
          { kind: 'basic', user: account, password: wrong },
          'container failed',
          /signature does not fit: the key is not one of the account/,
        ],
        [bearer(server.sas({ expires: -60_000 })), 'container failed', /SAS has expired/],
        [bearer(server.sas({ permissions: 'rl' })), 'permission failed', /the SAS the right/],
        [
          { kind: 'basic', user: account, password: key },
          'container failed',
          /no such container/,
          { container: 'nowhere' },
        ],
        [
          { kind: 'basic', user: account, password: key },
          'TLS failed',
          /authority that is not trusted/,
          { tls: undefined },
        ],
      ];
      for (const [credential, last, said, more] of cases) {
        const seen = await tried(credential, { ...more });
        expect(seen.last).toBe(last);
        expect(seen.said).toMatch(said);
        expect(JSON.stringify(seen.steps)).not.toMatch(/sig=|AccountKey|another key/);
      }
    });

    test.for([
      ['AccountName=x;EndpointSuffix=hospital.example', /neither AccountName with AccountKey/],
      ['a token', /Nothing says where the storage account is/],
    ] as const)('with %s and no address says what is missing', async ([text, said]) => {
      const given = { ...writing, container: 'lab', credential: 'key' };
      const opening = openOutbound(azureBlobOut, given, { credentials: { key: bearer(text) } });
      await using opened = await opening;
      expect(opened.events).toContainEqual(
        expect.objectContaining({ name: 'refused', text: expect.stringMatching(said) }),
      );
    });

    test('that is refused stops the host, and is not repeated at once', async () => {
      const { given } = await fresh();
      await using opened = await openInbound(
        azureBlobIn,
        { ...given, ...TAKING },
        { credentials: { key: bearer(server.sas({ expires: -60_000 })) } },
      );
      expect(opened.events.filter(({ name }) => name === 'refused')).toHaveLength(1);
    });
  });

  test('it goes on after the server was gone, twice', async () => {
    const { container, gate, given } = await behindGate();
    await using _ = gate;
    await using opened = await openOutbound(
      azureBlobOut,
      { ...given, folder: 'in', name: '{id}' },
      options,
    );
    for (const id of [7_000_001, 7_000_002]) {
      await gate.shut();
      await expect(opened.send(Buffer.from('x'), { id })).rejects.toMatchObject({
        code: expect.stringMatching(/^ADAPTER_(NOT_CONNECTED|TEMPORARY)$/),
      });
      await gate.open();
      await opened.send(Buffer.from('x'), { id });
    }
    expect(await server.keys(container)).toHaveLength(2);
  });
});
