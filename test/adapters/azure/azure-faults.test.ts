import { describe, expect, test, vi } from 'vitest';
import azureBlobIn from '../../../adapters/azure/azure-blob-in.ts';
import azureBlobOut from '../../../adapters/azure/azure-blob-out.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { openInbound, openOutbound, readGiven } from '../../support/open-adapter.ts';
import { type Answered, webServer } from '../../support/web-server.ts';

/** What Azurite does not answer: Azure's refusals by their codes, as its documentation has them. */
const key = { kind: 'basic', user: 'lab', password: 'a2V5' } as const;
const options = { credentials: { key } };

const refusal = (status: number, code: string, more: object = {}): Answered => ({
  status,
  headers: { 'x-ms-error-code': code, ...more },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>patient-4711.hl7</Message></Error>`,
});

const EMPTY: Answered = { body: '<EnumerationResults><Blobs/><NextMarker/></EnumerationResults>' };

const isList = (path: string): boolean => path.includes('comp=list');

describe('a refusal is told by its cause', () => {
  test.for([
    [401, 'InvalidAuthenticationInfo', 'ADAPTER_DISABLED', /key is not one of the account/],
    [403, 'AuthorizationFailure', 'ADAPTER_DISABLED', /network rules/],
    [403, 'KeyBasedAuthenticationNotPermitted', 'ADAPTER_DISABLED', /takes no keys/],
    [403, 'AccountIsDisabled', 'ADAPTER_DISABLED', /account is disabled/],
    [403, 'AuthorizationPermissionMismatch', 'ADAPTER_TEMPORARY', /Blob Data Contributor/],
    [404, 'ContainerNotFound', 'ADAPTER_DISABLED', /no such container/],
    [409, 'ContainerBeingDeleted', 'ADAPTER_TEMPORARY', /does not allow it/],
    [409, 'InvalidBlobType', 'ADAPTER_SUSPEND', /already in the container/],
    [412, 'LeaseIdMissing', 'ADAPTER_TEMPORARY', /holds a lease/],
    [413, 'RequestBodyTooLarge', 'ADAPTER_TEMPORARY', /larger than the server takes/],
    [429, '', 'ADAPTER_TEMPORARY', /is busy/],
    [500, 'InternalError', 'ADAPTER_TEMPORARY', /status 500 \(InternalError\)/],
    [503, 'ServerBusy', 'ADAPTER_TEMPORARY', /is busy \(ServerBusy\)/],
    [507, 'SomethingNew', 'ADAPTER_TEMPORARY', /status 507 \(SomethingNew\)/],
  ] as const)('%i %s', async ([status, code, thrown, text]) => {
    await using server = await webServer(({ path, method }) => {
      if (isList(path)) return EMPTY;
      return method === 'PUT' ? refusal(status, code) : found;
    });
    const given = {
      endpoint: server.url,
      container: 'lab',
      credential: 'key',
      folder: 'in',
      name: 'a',
    };
    await using opened = await openOutbound(azureBlobOut, given, options);
    const sending = opened.send(Buffer.from('x'));
    await expect(sending).rejects.toMatchObject({
      code: thrown,
      message: expect.stringMatching(text),
    });
    expect(JSON.stringify([opened.events, opened.log])).not.toContain('4711');
  });

  test('a token, which is renewed once: who gives it learns which one was refused', async () => {
    const shown: (string | undefined)[] = [];
    await using server = await webServer(({ headers: { authorization } }) => {
      shown.push(authorization);
      return authorization === 'Bearer old' ? refusal(401, 'InvalidAuthenticationInfo') : EMPTY;
    });
    const asked: unknown[] = [];
    const token: Credential = {
      kind: 'oauth2',
      token: async (_signal, { fresh = false, refused } = {}) => {
        asked.push([fresh, refused]);
        return fresh ? 'new' : 'old';
      },
    };
    const given = {
      endpoint: server.url,
      container: 'lab',
      credential: 'token',
      name: 'a',
      folder: '',
    };
    await using opened = await openOutbound(azureBlobOut, given, { credentials: { token } });
    await vi.waitFor(() => expect(opened.states.at(-1)?.state).toBe('connected'));
    expect(asked).toEqual([
      [false, undefined],
      [true, 'old'],
    ]);
    expect(shown).toEqual(['Bearer old', 'Bearer new']);
  });

  test('a server that asks for a pause gets it', async () => {
    await using server = await webServer(({ path }) =>
      isList(path) ? EMPTY : refusal(503, 'ServerBusy', { 'retry-after': '7' }),
    );
    const given = {
      endpoint: server.url,
      container: 'lab',
      credential: 'key',
      name: 'a',
      folder: '',
    };
    await using opened = await openOutbound(azureBlobOut, given, options);
    await expect(opened.send(Buffer.from('x'))).rejects.toMatchObject({ retryAfter: 7_000 });
  });

  test('a clock that is wrong, by the text of the one code for all', async () => {
    await using server = await webServer(() => ({
      ...refusal(403, 'AuthenticationFailed'),
      body: '<Error><AuthenticationErrorDetail>Request date header too old</AuthenticationErrorDetail></Error>',
    }));
    const given = {
      endpoint: server.url,
      container: 'lab',
      credential: 'key',
      name: 'a',
      folder: '',
    };
    await using opened = await openOutbound(azureBlobOut, given, options);
    expect(opened.events).toContainEqual(
      expect.objectContaining({ text: expect.stringMatching(/clocks differ/) }),
    );
  });
});

const blob = (name: string, more = ''): string =>
  `<Blob><Name>${name}</Name><Properties><Last-Modified>Fri, 27 Nov 2026 10:00:00 GMT</Last-Modified><Etag>0x1</Etag><Content-Length>3</Content-Length>${more}</Properties></Blob>`;

const page = (blobs: string, next = ''): Answered => ({
  body: `\uFEFF<?xml version="1.0"?><EnumerationResults><Blobs>${blobs}</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`,
});

const found: Answered = {
  headers: {
    etag: '"0x1"',
    'last-modified': 'Fri, 27 Nov 2026 10:00:00 GMT',
    'content-length': '3',
  },
  body: 'abc',
};

const taking = {
  container: 'lab',
  credential: 'key',
  folder: 'out',
  every: '20ms',
  stable: '0s',
  keep: true,
};

test('blobs of every page are taken, with encoded names and without folders', async () => {
  await using server = await webServer(({ path }) => {
    if (!isList(path)) return found;
    return path.includes('marker=2%2Fb')
      ? page(
          '<Blob><Name Encoded="true">out/b%EF%BF%BE</Name><Properties><Content-Length>3</Content-Length><Last-Modified>Fri, 27 Nov 2026 10:00:00 GMT</Last-Modified><Etag>0x1</Etag></Properties></Blob>',
        )
      : page(blob('out/a') + blob('out/sub', '<ResourceType>directory</ResourceType>'), '2/b');
  });
  await using opened = await openInbound(azureBlobIn, { ...taking, endpoint: server.url }, options);
  await vi.waitFor(() => expect(opened.delivered).toHaveLength(2));
  expect(opened.delivered.map(({ name }) => name)).toEqual(['a', 'b\uFFFE']);
});

test.for([
  ['is in the archive', refusal(409, 'BlobArchived'), /archive tier/],
  ['may not be read', refusal(403, 'AuthorizationPermissionMismatch'), /denies it/],
] as const)(
  'a blob that %s is reported once, and the next one is taken',
  async ([, answer, text]) => {
    await using server = await webServer(({ path }) => {
      if (isList(path)) return page(blob('out/a') + blob('out/b'));
      return path.includes('/out/a') ? answer : found;
    });
    await using opened = await openInbound(
      azureBlobIn,
      { ...taking, endpoint: server.url },
      options,
    );
    await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
    const lists = (): number => server.requests.filter(({ path }) => isList(path)).length;
    const before = lists();
    await vi.waitFor(() => expect(lists()).toBeGreaterThan(before + 1));
    const told = opened.events.filter(({ name }) => name === 'file-unreadable');
    expect(told).toEqual([expect.objectContaining({ text: expect.stringMatching(text) })]);
  },
);

test.for([
  ['is gone', refusal(404, 'BlobNotFound')],
  ['was changed', refusal(412, 'ConditionNotMet')],
  [
    'is shorter than it was listed',
    { ...found, headers: { ...found.headers, 'content-length': '2' }, body: 'ab' },
  ],
] as const)(
  'a blob that %s when it is read is left for the next look, without a word',
  async ([, answer]) => {
    let looks = 0;
    await using server = await webServer(({ path }) => {
      if (!isList(path)) return looks > 2 ? found : answer;
      looks += 1;
      return page(blob('out/a'));
    });
    await using opened = await openInbound(
      azureBlobIn,
      { ...taking, endpoint: server.url },
      options,
    );
    await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
    expect(opened.delivered[0]?.body.toString()).toBe('abc');
    expect(opened.events).toEqual([]);
  },
);

test('a copy that takes its time is waited for, and one that failed leaves the blob', async () => {
  let status = 'pending';
  await using server = await webServer(({ method, path }) => {
    if (isList(path)) return page(blob('out/a'));
    if (method === 'PUT') return { status: 202, headers: { 'x-ms-copy-status': 'pending' } };
    if (method !== 'HEAD' || !path.includes('/taken/')) return found;
    const answer = { headers: { ...found.headers, 'x-ms-copy-status': status } };
    status = 'aborted';
    return answer;
  });
  await using opened = await openInbound(
    azureBlobIn,
    { ...taking, endpoint: server.url, keep: false, archive: 'taken' },
    options,
  );
  await vi.waitFor(() =>
    expect(opened.events).toContainEqual(
      expect.objectContaining({
        name: 'file-not-removed',
        text: expect.stringMatching(/did not copy the blob \(aborted\)/),
      }),
    ),
  );
  expect(server.requests.some(({ method }) => method === 'DELETE')).toBe(false);
  expect(opened.delivered).toHaveLength(1);
});

const problems = async (given: object): Promise<string> => {
  const all = { ...taking, keep: false, account: 'lab', ...given };
  const faults = (await azureBlobIn.check?.(readGiven(azureBlobIn.settings, all, options))) ?? [];
  return faults.map(({ path, what }) => `${path.join('.')} ${what}`).join('; ');
};

test('what does not fit together is found by check', async () => {
  expect(await problems({})).toBe('');
  expect(await problems({ container: 'Lab--Exchange' })).toMatch(/container is not the name/);
  expect(await problems({ endpoint: 'http://azurite:10000/lab' })).toMatch(
    /endpoint is without TLS/,
  );
  expect(await problems({ tag: 'waybill', archive: 'taken' })).toMatch(
    /tag does not go with archive/,
  );
  expect(await problems({ lease: true, keep: true })).toMatch(/lease does not go with keep/);
});
