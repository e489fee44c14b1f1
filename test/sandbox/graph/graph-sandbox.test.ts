import { Agent, request } from 'undici';
import { describe, expect, test } from 'vitest';
import {
  type GraphLab,
  type GraphLabOptions,
  graphLab,
  HUB,
  WARD,
} from '../../support/graph-lab.ts';
import { mailWith } from '../../support/mailbox.ts';

const MB = 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly json: Readonly<Record<string, unknown>> & { readonly error?: { readonly code: string } };
}

interface Asking extends AsyncDisposable {
  readonly lab: GraphLab;
  ask(
    method: string,
    path: string,
    more?: { json?: object; body?: Buffer | string; headers?: Record<string, string> },
  ): Promise<Answer>;
}

/** Asks as any HTTP client would, with none of the adapter's code. */
async function client(options?: GraphLabOptions): Promise<Asking> {
  const lab = await graphLab(options);
  const dispatcher = new Agent({ connect: { ca: lab.graph.ca } });
  const { signal } = new AbortController();
  return {
    lab,
    async ask(method, path, { json, body, headers = {} } = {}) {
      const url = path.startsWith('https:') ? path : `${lab.graph.url}/users/${HUB}${path}`;
      const answer = await request(url, {
        method: method as 'GET',
        dispatcher,
        headers: {
          authorization: `Bearer ${await lab.credential.token(signal)}`,
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        body: json === undefined ? (body ?? null) : JSON.stringify(json),
      });
      const text = await answer.body.text();
      const isJson = String(answer.headers['content-type']).includes('json');
      return {
        status: answer.statusCode,
        headers: answer.headers,
        json: isJson ? (JSON.parse(text) as Answer['json']) : {},
      };
    },
    async [Symbol.asyncDispose]() {
      await dispatcher.destroy();
      await lab[Symbol.asyncDispose]();
    },
  };
}

const mail = (more: object = {}) => ({
  subject: 's',
  body: { contentType: 'text', content: 'x' },
  toRecipients: [{ emailAddress: { address: WARD } }],
  ...more,
});
const file = (bytes: number) => ({
  '@odata.type': '#microsoft.graph.fileAttachment',
  name: 'f.bin',
  contentBytes: Buffer.alloc(bytes, 'x').toString('base64'),
});
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const immutable = { prefer: 'IdType="ImmutableId"' };

describe('who may ask', () => {
  test('nobody without a good token', async () => {
    await using one = await client();
    for (const authorization of ['', 'Bearer nonsense', `Basic ${'x'.repeat(20)}`]) {
      const answer = await one.ask('GET', '/messages', { headers: { authorization } });
      expect(answer).toMatchObject({
        status: 401,
        json: { error: { code: 'InvalidAuthenticationToken' } },
      });
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer .*invalid_token/);
    }
    one.lab.entra.revoke();
    expect(await one.ask('GET', '/messages')).toMatchObject({ status: 401 });
  });

  test('only with the permission that the request needs, and inside the scope', async () => {
    await using one = await client({ roles: ['Mail.Send'] });
    expect(await one.ask('GET', '/messages')).toMatchObject({
      status: 403,
      json: { error: { code: 'ErrorAccessDenied' } },
    });
    const sent = await one.ask('POST', '/sendMail', { json: { message: mail() } });
    expect(sent).toMatchObject({ status: 202, json: {} });
    one.lab.graph.deny(HUB, 'scope');
    expect(await one.ask('POST', '/sendMail', { json: { message: mail() } })).toMatchObject({
      status: 403,
    });
    one.lab.graph.allow(HUB);
    expect(await one.ask('POST', '/sendMail', { json: { message: mail() } })).toMatchObject({
      status: 202,
    });
  });

  test('four at once; a fifth is told when to come back', async () => {
    await using one = await client({ latency: 300 });
    await one.ask('GET', '/messages'); // has fetched the token
    const answers = await Promise.all(Array.from({ length: 6 }, () => one.ask('GET', '/messages')));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(2);
    expect(refused[0]).toMatchObject({
      headers: { 'retry-after': '1' },
      json: { error: { code: 'ApplicationThrottled' } },
    });
  });
});

describe('sizes', () => {
  test('a request has 4 MB, an attachment of its own below 3 MB', async () => {
    await using one = await client();
    const large = { message: mail({ attachments: [file(3.2 * MB)] }) };
    expect(await one.ask('POST', '/sendMail', { json: large })).toMatchObject({ status: 413 });
    const { json } = await one.ask('POST', '/messages', { json: mail() });
    const path = `/messages/${String(json['id'])}/attachments`;
    expect(await one.ask('POST', path, { json: file(2.9 * MB) })).toMatchObject({ status: 201 });
  });

  test('an upload session takes pieces in order, below 4 MB, and without a token', async () => {
    await using one = await client();
    const { json: draft } = await one.ask('POST', '/messages', { json: mail() });
    const begin = (size: number) =>
      one.ask('POST', `/messages/${String(draft['id'])}/attachments/createUploadSession`, {
        json: { AttachmentItem: { attachmentType: 'file', name: 'f.bin', size } },
      });
    expect(await begin(2 * MB)).toMatchObject({ status: 400 });
    expect(await begin(151 * MB)).toMatchObject({ status: 413 });
    const { json } = await begin(5 * MB);
    const url = String(json['uploadUrl']);
    const put = (from: number, bytes: number, authorization?: string) =>
      request(url, {
        method: 'PUT',
        dispatcher: new Agent({ connect: { ca: one.lab.graph.ca }, keepAliveTimeout: 1 }),
        headers: {
          'content-range': `bytes ${from}-${from + bytes - 1}/${5 * MB}`,
          ...(authorization === undefined ? {} : { authorization }),
        },
        body: Buffer.alloc(bytes, 'y'),
      }).then(async ({ statusCode, body }) => {
        await body.dump();
        return statusCode;
      });
    expect(await put(0, 1000, 'Bearer x')).toBe(401);
    expect(await put(0, 4 * MB + 1)).toBe(400);
    expect(await put(1000, 1000)).toBe(416);
    expect(await put(0, 3 * MB)).toBe(200);
    expect(await put(3 * MB, 2 * MB)).toBe(201);
    expect(one.lab.graph.mailbox(HUB).messages('drafts')[0]?.attachments[0]?.content).toHaveLength(
      5 * MB,
    );
  });
});

describe('ids', () => {
  test('change with a move, unless they are asked to be immutable', async () => {
    await using one = await client();
    await one.lab.graph.receive(HUB, await mailWith({ text: 'x' }));
    const ids = async (headers = {}): Promise<string> => {
      const { json } = await one.ask('GET', '/messages?$select=id', { headers });
      return (json as { value?: { id: string }[] }).value?.[0]?.id ?? '';
    };
    const [plain, fixed] = [await ids(), await ids(immutable)];
    await one.ask('POST', `/messages/${fixed}/move`, { json: { destinationId: 'archive' } });
    expect(await one.ask('GET', `/messages/${plain}`)).toMatchObject({
      status: 404,
      json: { error: { code: 'ErrorItemNotFound' } },
    });
    expect(await one.ask('GET', `/messages/${fixed}`)).toMatchObject({ status: 200 });
    expect(await ids(immutable)).toBe(fixed);
  });
});

describe('a delta query', () => {
  test('tells pages, then what changed since, until its token is too old', async () => {
    await using one = await client();
    for (let n = 0; n < 5; n++) await one.lab.graph.receive(HUB, await mailWith({ text: `${n}` }));
    const prefer = { prefer: 'IdType="ImmutableId", odata.maxpagesize=2' };
    const sizes: number[] = [];
    let at = '/mailFolders/inbox/messages/delta?$select=subject';
    let link = '';
    while (link === '') {
      const { json } = await one.ask('GET', at, { headers: prefer });
      sizes.push((json['value'] as unknown[]).length);
      link = textOf(json['@odata.deltaLink']);
      at = textOf(json['@odata.nextLink']);
    }
    expect(sizes).toEqual([2, 2, 1]);
    const [first, second] = one.lab.graph.mailbox(HUB).messages('inbox');
    if (first !== undefined) one.lab.graph.mailbox(HUB).remove(first);
    if (second !== undefined) one.lab.graph.mailbox(HUB).change(second, { isRead: true });
    const { json } = await one.ask('GET', link, { headers: prefer });
    expect(json['value']).toMatchObject([
      { subject: 'Befund' },
      { '@removed': { reason: 'deleted' } },
    ]);
    one.lab.graph.mailbox(HUB).forgetTokens();
    expect(await one.ask('GET', link)).toMatchObject({
      status: 410,
      json: { error: { code: 'SyncStateNotFound' } },
    });
  });
});

test('a mail may also be sent as MIME, in base64', async () => {
  await using one = await client();
  const mime = await mailWith({ from: HUB, to: WARD, subject: 'as MIME', text: 'x' });
  const headers = { 'content-type': 'text/plain' };
  const sent = await one.ask('POST', '/sendMail', { headers, body: mime.toString('base64') });
  expect(sent.status).toBe(202);
  expect(one.lab.graph.mailbox(WARD).messages('inbox')).toMatchObject([{ subject: 'as MIME' }]);
  expect(await one.ask('POST', '/sendMail', { headers, body: '§§§' })).toMatchObject({
    status: 400,
    json: { error: { code: 'ErrorMimeContentInvalidBase64String' } },
  });
});
