import { randomBytes } from 'node:crypto';
import { fetch } from 'undici';
import { expect, test } from 'vitest';
import soapIn from '../../../adapters/soap/soap-in.ts';
import soapOut from '../../../adapters/soap/soap-out.ts';
import { documentOf } from '../../../src/document/index.ts';
import { certificates } from '../../support/certificates.ts';
import { type OpenedInbound, openInbound, openOutbound } from '../../support/open-adapter.ts';
import { SOAP_11, soapAnswer } from '../../support/soap-envelope.ts';
import { webServer } from '../../support/web-server.ts';

const XML = { type: 'application/xml' };
const REPORT = randomBytes(3_000);
const ORDER = `<Order xmlns="urn:lab"><test>GLU</test><report>${REPORT.toString('base64')}</report></Order>`;

interface Served extends AsyncDisposable {
  readonly opened: OpenedInbound;
  readonly url: string;
}

async function serving(given: Readonly<Record<string, unknown>> = {}): Promise<Served> {
  const opened = await openInbound(soapIn, { listen: '127.0.0.1:0', ...given });
  const [, port] = /:(\d+)\//.exec(opened.states.at(-1)?.detail ?? '') ?? [];
  return {
    opened,
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: () => opened.close(),
  };
}

test.for(['mtom', 'swa'] as const)(
  'a binary content goes as a part with %s, and stands in the message of the far side',
  async (attachments) => {
    await using line = await serving({ answer: 'target' });
    line.opened.answer(({ body }) => ({
      reply: { body, type: 'application/xml', code: '200' },
    }));
    for (const version of ['1.1', '1.2']) {
      await using out = await openOutbound(soapOut, {
        url: line.url,
        attachments,
        version,
        action: 'urn:a',
      });
      const reply = await out.send(Buffer.from(ORDER), XML);
      expect(reply?.code).toBe('200');
      expect(String(line.opened.delivered.at(-1)?.body)).toBe(ORDER);
      expect(Buffer.from(reply?.body ?? []).toString()).toBe(ORDER);
    }
  },
);

test('the bytes of a part are not base64, and short contents stay unless they are named', async () => {
  await using server = await webServer(() => soapAnswer('<ok/>'));
  await using out = await openOutbound(soapOut, { url: server.url, attachments: 'mtom' });
  await out.send(Buffer.from(ORDER.replace('GLU', 'QUJD')), XML);
  const [request] = server.requests;
  expect(request?.headers['content-type']).toMatch(
    /^multipart\/related; type="application\/xop\+xml"; start-info="text\/xml"; start="<envelope@waybill>"; boundary="/,
  );
  expect(request?.body.includes(REPORT)).toBe(true);
  expect(request?.body.includes('<test>QUJD</test>')).toBe(true);
  expect(request?.body.includes('<report><xop:Include')).toBe(true);
  await using named = await openOutbound(soapOut, {
    url: server.url,
    attachments: 'mtom',
    attached: 'test',
  });
  await named.send(Buffer.from(ORDER.replace('GLU', 'QUJD')), XML);
  expect(server.requests[1]?.body.includes('<test><xop:Include')).toBe(true);
  expect(server.requests[1]?.body.includes(REPORT)).toBe(false);
});

test('a signature is of the contents in their places, so it holds with parts too', async () => {
  await using all = await certificates();
  await using line = await serving({ security: { trust: all.trust } });
  await using out = await openOutbound(
    soapOut,
    {
      url: line.url,
      attachments: 'mtom',
      security: { certificate: 'key', timestamp: '5m' },
    },
    { credentials: { key: all.client } },
  );
  expect(await out.send(Buffer.from(ORDER), XML)).toMatchObject({ code: '200' });
  expect(String(line.opened.delivered[0]?.body)).toBe(ORDER);
});

interface Piece {
  readonly id: string;
  readonly content: string | Buffer;
  readonly encoding?: string;
}

function packed(envelope: string, pieces: readonly Piece[], end = '--'): Buffer {
  const all = [{ id: 'root', content: envelope, encoding: '8bit' }, ...pieces];
  const written = all.flatMap(({ id, content, encoding = 'binary' }) => [
    Buffer.from(
      `\r\n--b:1\r\ncontent-id: <${id}>\r\nContent-Type: application/xop+xml;\r\n charset=UTF-8\r\ncontent-transfer-encoding: ${encoding}\r\n\r\n`,
    ),
    Buffer.from(content),
  ]);
  return Buffer.concat([Buffer.from('preamble'), ...written, Buffer.from(`\r\n--b:1${end}\r\n`)]);
}

const envelope = (body: string): string =>
  `<S:Envelope xmlns:S="${SOAP_11}"><S:Body>${body}</S:Body></S:Envelope>`;
const include = (id: string): string =>
  `<x:Include xmlns:x="http://www.w3.org/2004/08/xop/include" href="cid:${id}"/>`;

async function post(line: Served, body: Buffer): Promise<string> {
  const type =
    'multipart/related; boundary="b:1"; type="application/xop+xml"; start="<root>"; start-info="text/xml"';
  const answer = await fetch(line.url, {
    method: 'POST',
    headers: { 'content-type': type },
    body,
  });
  const text = await answer.text();
  return answer.status === 200 ? '200' : documentOf(Buffer.from(text), XML).get('//faultstring');
}

const BINARY = Buffer.from([0, 13, 10, 45, 45, 255]);
const IN_BASE64 = BINARY.toString('base64');

test.for<[string, string, Piece[], string]>([
  [
    'an Include',
    `<a>${include('p%401')}</a>`,
    [{ id: 'p@1', content: BINARY }],
    `<a>${IN_BASE64}</a>`,
  ],
  ['a text', '<a>cid:p1</a>', [{ id: 'p1', content: BINARY }], `<a>${IN_BASE64}</a>`],
  [
    'an href',
    '<a b="c" href="cid:p1"/>',
    [{ id: 'p1', content: BINARY }],
    `<a b="c">${IN_BASE64}</a>`,
  ],
  [
    'a part in base64',
    `<a>${include('p1')}</a>`,
    [{ id: 'p1', content: IN_BASE64, encoding: 'base64' }],
    `<a>${IN_BASE64}</a>`,
  ],
  ['a text that is no reference', '<a>cid:other</a>', [], '<a>cid:other</a>'],
])('what %s refers to stands in its place', async ([, body, pieces, delivered]) => {
  await using line = await serving();
  expect(await post(line, packed(envelope(body), pieces))).toBe('200');
  expect(String(line.opened.delivered[0]?.body)).toBe(delivered);
});

const piece = { id: 'p1', content: BINARY };

test.for<[string, Buffer, string]>([
  ['an Include of nothing', packed(envelope(`<a>${include('p2')}</a>`), [piece]), 'not there'],
  [
    'an attachment that is included twice',
    packed(envelope(`<a>${include('p1')}</a>`.repeat(1) + `<b>${include('p1')}</b>`), [piece]),
    'twice to one',
  ],
  ['an attachment that nothing refers to', packed(envelope('<a/>'), [piece]), '1 attachments'],
  ['two parts of one id', packed(envelope('<a/>'), [piece, piece]), 'same Content-ID'],
  ['a body that was cut off', packed(envelope('<a/>'), [piece]).subarray(0, -20), 'cut off'],
  ['no boundary in it', Buffer.from('hello'), 'its boundary is missing'],
  [
    'a transfer encoding that nobody uses',
    packed(envelope('<a/>'), [{ ...piece, encoding: 'uuencode' }]),
    'transfer encoding',
  ],
  [
    'parts without number',
    packed(
      envelope('<a/>'),
      Array.from({ length: 1_100 }, (_, n) => ({ id: `p${n}`, content: 'x' })),
    ),
    'more than 1000 parts',
  ],
])('%s is the sender’s fault', async ([, body, reason]) => {
  await using line = await serving();
  expect(await post(line, body)).toContain(reason);
  expect(line.opened.delivered).toHaveLength(0);
});

test('attachments count for the limit, as they stand in the message', async () => {
  await using line = await serving({ limit: '100KB' });
  const small = packed(envelope(`<a>${include('p1')}</a>`), [
    { id: 'p1', content: randomBytes(70_000) },
  ]);
  expect(await post(line, small)).toBe('200');
  const large = packed(envelope(`<a>${include('p1')}</a>`), [
    { id: 'p1', content: randomBytes(120_000) },
  ]);
  expect(await post(line, large)).toContain('larger than 100 KB');
});

test('a caller with MTOM is answered with it, another one is not', async () => {
  await using line = await serving({ answer: 'target' });
  line.opened.answer(() => ({
    reply: { body: Buffer.from(ORDER), type: 'application/xml', code: '200' },
  }));
  const type = 'multipart/related; boundary="b:1"; type="application/xop+xml"; start="<root>"';
  const asked = async (contentType: string, body: string | Buffer): Promise<string | null> => {
    const headers = { 'content-type': contentType };
    const answer = await fetch(line.url, { method: 'POST', headers, body });
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.includes(REPORT)).toBe(/xop/.test(answer.headers.get('content-type') ?? ''));
    return answer.headers.get('content-type');
  };
  expect(await asked(type, packed(envelope('<a/>'), []))).toMatch(/^multipart\/related/);
  expect(await asked('text/xml', envelope('<a/>'))).toBe('text/xml; charset=utf-8');
});
