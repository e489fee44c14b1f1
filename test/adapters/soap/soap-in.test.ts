import { gzipSync } from 'node:zlib';
import { SignJWT } from 'jose';
import { fetch, type Response } from 'undici';
import { expect, test } from 'vitest';
import soapIn from '../../../adapters/soap/soap-in.ts';
import { EngineError } from '../../../src/adapter/index.ts';
import { documentOf } from '../../../src/document/index.ts';
import { credentialSet } from '../../support/credential-set.ts';
import { type OpenedInbound, openInbound, testSteps } from '../../support/open-adapter.ts';
import { SOAP_11, SOAP_12 } from '../../support/soap-envelope.ts';
import { filesIn, ordersWsdl } from '../../support/soap-files.ts';

const ORDER = '<l:Order xmlns:l="urn:lab"><l:test>GLU</l:test></l:Order>';
const ADDRESSING = 'http://www.w3.org/2005/08/addressing';

const enveloped = (body: string, { headers = '', namespace = SOAP_11 } = {}): string =>
  `<?xml version="1.0"?><S:Envelope xmlns:S="${namespace}"><S:Header>${headers}</S:Header><S:Body>${body}</S:Body></S:Envelope>`;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers: Response['headers'];
  readonly text: string;
  /** The value of an XPath in the answer. */
  readonly at: (path: string) => string;
}

interface Line extends AsyncDisposable {
  readonly opened: OpenedInbound;
  readonly url: string;
  call(body: string | Buffer, headers?: Record<string, string>): Promise<Answer>;
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    headers: response.headers,
    text,
    at: (path) => documentOf(Buffer.from(text), { type: 'application/xml' }).get(path),
  };
}

async function serving(
  given: Readonly<Record<string, unknown>> = {},
  wsdl: Parameters<typeof ordersWsdl>[0] = {},
  options: Parameters<typeof openInbound>[2] = {},
): Promise<Line> {
  const folder = await filesIn(ordersWsdl(wsdl));
  const opened = await openInbound(
    soapIn,
    { listen: '127.0.0.1:0', path: '/orders', wsdl: 'orders.wsdl', ...given },
    { folder: folder.path, ...options },
  );
  const [, port] = /:(\d+)\//.exec(opened.states.at(-1)?.detail ?? '') ?? [];
  const url = `http://127.0.0.1:${port}/orders`;
  return {
    opened,
    url,
    call: async (body, headers = {}) =>
      answerOf(
        await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'text/xml; charset=utf-8', ...headers },
          body,
        }),
      ),
    async [Symbol.asyncDispose]() {
      await opened.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('a call is a message, and is answered once it is stored', async () => {
  await using line = await serving({
    receipt: '<Receipt xmlns="urn:lab"><number>R</number></Receipt>',
  });
  line.opened.hold();
  const calling = line.call(enveloped(ORDER));
  await expect.poll(() => line.opened.waiting).toBe(1);
  line.opened.release();
  const answer = await calling;
  expect(answer).toMatchObject({ status: 200, type: 'text/xml; charset=utf-8' });
  expect(answer.at('/Envelope/Body/Receipt/number')).toBe('R');
  const [message] = line.opened.delivered;
  expect(message).toMatchObject({ type: 'application/xml', name: 'PlaceOrder' });
  expect(String(message?.body)).toBe(ORDER);
});

test('prefixes that are declared outside of the body go along', async () => {
  await using line = await serving();
  const outer = enveloped('<l:Order><l:test>a</l:test></l:Order>').replace(
    '<S:Envelope',
    '<S:Envelope xmlns:l="urn:lab"',
  );
  expect(await line.call(outer)).toMatchObject({ status: 200 });
  const body = line.opened.delivered[0]?.body as Uint8Array;
  expect(documentOf(body, { type: 'application/xml' }).get('/Order/test')).toBe('a');
});

test('a message without an answer is answered with 202', async () => {
  await using line = await serving();
  const notice = enveloped('<Notice xmlns="urn:lab"><text>x</text></Notice>');
  expect(await line.call(notice)).toMatchObject({ status: 202, text: '' });
});

test('the answer of the target is the body of the answer, and its refusal a fault', async () => {
  await using line = await serving({ answer: 'target' });
  const reply = (body: string, code = '200'): void =>
    line.opened.answer(() => ({
      reply: { body: Buffer.from(body), type: 'application/xml', code },
    }));
  reply('<Receipt xmlns="urn:lab"><number>7</number></Receipt>');
  expect((await line.call(enveloped(ORDER))).at('/Envelope/Body/Receipt/number')).toBe('7');
  reply(enveloped('<Receipt xmlns="urn:lab"><number>8</number></Receipt>', { namespace: SOAP_12 }));
  expect((await line.call(enveloped(ORDER))).at('/Envelope/Body/Receipt/number')).toBe('8');
  reply('{"no":"xml"}');
  expect((await line.call(enveloped(ORDER))).at('//faultstring')).toContain(
    'no XML but application/xml',
  );
  reply('', '500');
  const refused = await line.call(enveloped(ORDER));
  expect(refused.status).toBe(500);
  expect(refused.at('//faultcode')).toBe('soap:Server');
});

test('what became of a message is told with its reason, whatever the target said', async () => {
  await using line = await serving({ answer: 'target' });
  const text = 'part 1 of 3: the peer refused the message (AE)';
  const outcome = { status: 'error', text };
  const accepted = Buffer.from('<Receipt xmlns="urn:lab"><number>7</number></Receipt>');
  const unread = Buffer.from('MSA|AE|1');
  for (const reply of [
    undefined,
    { body: unread, type: 'HL7v2:ACK:2.5' },
    { body: accepted, type: 'application/xml', code: '200' },
  ]) {
    line.opened.answer(() => ({ reply, outcome }));
    const answer = await line.call(enveloped(ORDER));
    expect(answer).toMatchObject({ status: 500 });
    expect(answer.at('//faultstring')).toBe(
      `The message is stored; its target did not accept it: ${text}`,
    );
  }
  const error = { code: 'ADAPTER_NOT_CONNECTED', retryable: true } as const;
  const inside = { ...outcome, text: 'nobody listens at 10.0.0.7:2575', error };
  line.opened.answer(() => ({ reply: undefined, outcome: inside }));
  expect((await line.call(enveloped(ORDER))).at('//faultstring')).toBe(
    'The message is stored; its target did not accept it.',
  );
});

test('a fault of the target is given on in the version of the caller', async () => {
  await using line = await serving({ answer: 'target' });
  const fault = `<f:Fault xmlns:f="${SOAP_12}"><f:Code><f:Value>f:Sender</f:Value><f:Subcode><f:Value xmlns:l="urn:lab">l:Unknown</f:Value></f:Subcode></f:Code><f:Reason><f:Text xml:lang="en">no such test</f:Text></f:Reason><f:Detail><l:why xmlns:l="urn:lab">GLX</l:why></f:Detail></f:Fault>`;
  line.opened.answer(() => ({
    reply: { body: Buffer.from(fault), type: 'application/xml', code: 'Sender.Unknown' },
  }));
  const answer = await line.call(enveloped(ORDER));
  expect(answer.status).toBe(500);
  expect(answer.at('//faultcode')).toBe('code:Unknown');
  expect(answer.text).toContain('xmlns:code="urn:lab"');
  expect(answer.at('//faultstring')).toBe('no such test');
  expect(answer.at('//detail/why')).toBe('GLX');
});

test('rpc/literal is known by its wrapper, and its answer gets one', async () => {
  await using line = await serving({ answer: 'target' }, { style: 'rpc' });
  line.opened.answer(() => ({
    reply: { body: Buffer.from('<receipt/>'), type: 'application/xml', code: '200' },
  }));
  const call = '<l:PlaceOrder xmlns:l="urn:lab"><order><test>GLU</test></order></l:PlaceOrder>';
  const answer = await line.call(enveloped(call));
  expect(answer.at('local-name(/Envelope/Body/PlaceOrderResponse/receipt)')).toBe('receipt');
});

test.for([
  [
    'an unknown element',
    '<Bill xmlns="urn:lab"/>',
    {},
    'soap:Client',
    'There is PlaceOrder, Notify',
  ],
  ['no element', '', {}, 'soap:Client', 'No operation'],
  [
    'a header that must be understood',
    ORDER,
    { headers: '<t:T xmlns:t="urn:t" S:mustUnderstand="1"/>' },
    'soap:MustUnderstand',
    'not understood here: T',
  ],
] as const)('%s is refused with a fault', async ([, body, more, code, reason]) => {
  await using line = await serving();
  const answer = await line.call(enveloped(body, more));
  expect(answer.status).toBe(500);
  expect(answer.at('//faultcode')).toBe(code);
  expect(answer.at('//faultstring')).toContain(reason);
  expect(line.opened.delivered).toHaveLength(0);
});

test('a header for somebody else is left alone', async () => {
  await using line = await serving();
  const headers = '<t:T xmlns:t="urn:t" S:mustUnderstand="1" S:actor="urn:other"/>';
  expect(await line.call(enveloped(ORDER, { headers }))).toMatchObject({ status: 200 });
});

test('1.2 has 400 for what the sender did, a subcode, and NotUnderstood', async () => {
  await using line = await serving({}, { version: '1.2' });
  const call = (headers = '', body = ORDER): Promise<Answer> =>
    line.call(enveloped(body, { headers, namespace: SOAP_12 }), {
      'content-type': 'application/soap+xml; charset=utf-8; action="urn:lab:PlaceOrder"',
    });
  expect(await call()).toMatchObject({ status: 200, type: 'application/soap+xml; charset=utf-8' });
  const unknown = await call('', '<x/>');
  expect(unknown.status).toBe(400);
  expect(unknown.at('//Code/Value')).toBe('soap:Sender');
  const missed = await call('<t:T xmlns:t="urn:t" S:mustUnderstand="true"/>');
  expect(missed.at('/Envelope/Header/NotUnderstood/@qname')).toBe('u:T');
  const older = await line.call(enveloped(ORDER));
  expect(older.status).toBe(500);
  expect(older.at('//Code/Value')).toBe('soap:VersionMismatch');
  expect(older.at('/Envelope/Header/Upgrade/SupportedEnvelope/@qname')).toBe('v0:Envelope');
});

test('what the engine cannot take now is our fault, and what it never takes the sender’s', async () => {
  await using line = await serving();
  line.opened.refuse(new EngineError('QUEUE_UNAVAILABLE', 'secret place', { retryable: true }));
  const later = await line.call(enveloped(ORDER));
  expect(later).toMatchObject({ status: 500 });
  expect(later.at('//faultcode')).toBe('soap:Server');
  expect(later.headers.get('retry-after')).toBe('5');
  expect(later.text).not.toContain('secret place');
  line.opened.refuse(new EngineError('MESSAGE_TOO_LARGE', 'secret place'));
  expect((await line.call(enveloped(ORDER))).at('//faultcode')).toBe('soap:Client');
});

test('the answer to a call with addressing relates to it', async () => {
  await using line = await serving();
  const headers = (action: string, more = ''): string =>
    `<a:MessageID xmlns:a="${ADDRESSING}">urn:m1</a:MessageID><a:Action xmlns:a="${ADDRESSING}" S:mustUnderstand="1">${action}</a:Action>${more}`;
  const good = await line.call(enveloped(ORDER, { headers: headers('urn:lab:PlaceOrder') }));
  expect(good.at('/Envelope/Header/RelatesTo')).toBe('urn:m1');
  expect(good.at('/Envelope/Header/Action')).toBe('urn:lab:Orders:PlaceOrderResponse');
  expect(line.opened.delivered[0]?.dedupeKey).toBe('\nurn:m1');
  const wrong = await line.call(enveloped(ORDER, { headers: headers('urn:other') }));
  expect(wrong.at('//faultcode')).toBe('code:ActionNotSupported');
  expect(wrong.at('/Envelope/Header/RelatesTo')).toBe('urn:m1');
  const elsewhere = `<a:ReplyTo xmlns:a="${ADDRESSING}"><a:Address>http://10.0.0.1/</a:Address></a:ReplyTo>`;
  const away = await line.call(
    enveloped(ORDER, { headers: headers('urn:lab:PlaceOrder', elsewhere) }),
  );
  expect(away.at('//faultcode')).toBe('code:InvalidAddressingHeader');
  const twice = headers('urn:lab:PlaceOrder') + headers('urn:lab:PlaceOrder');
  expect((await line.call(enveloped(ORDER, { headers: twice }))).at('//faultstring')).toContain(
    'comes twice',
  );
  expect(line.opened.delivered).toHaveLength(1);
});

test('the WSDL is given out with our address, and its schema by it', async () => {
  await using line = await serving();
  const wsdl = await answerOf(await fetch(`${line.url}?wsdl`));
  expect(wsdl).toMatchObject({ status: 200, type: 'text/xml; charset=utf-8' });
  expect(wsdl.at('//service/port/address/@location')).toBe(line.url);
  const schema = wsdl.at('//import/@schemaLocation');
  expect(schema).toBe(`${line.url}?wsdl=1`);
  expect((await answerOf(await fetch(schema))).at('/schema/@targetNamespace')).toBe('urn:lab');
  expect((await fetch(`${line.url}?wsdl=2`)).status).toBe(404);
  expect((await fetch(line.url)).status).toBe(405);
});

test('callers sign in as at http-in, for the WSDL too unless it is for everybody', async () => {
  const given = { callers: { kind: 'basic', credentials: ['lab'] } };
  const credentials = { lab: { kind: 'basic', user: 'lab', password: 'right' } } as const;
  await using line = await serving(given, {}, { credentials });
  const stranger = await line.call(enveloped(ORDER));
  expect(stranger.status).toBe(401);
  expect(stranger.headers.get('www-authenticate')).toContain('Basic');
  expect(stranger.at('//faultcode')).toBe('soap:Client');
  expect((await fetch(`${line.url}?wsdl`)).status).toBe(401);
  const authorization = `Basic ${Buffer.from('lab:right').toString('base64')}`;
  expect(await line.call(enveloped(ORDER), { authorization })).toMatchObject({ status: 200 });
  expect(line.opened.delivered[0]?.origin).toMatch(/ lab$/);
  expect(line.opened.delivered[0]?.caller).toBe('{"name":"lab","claims":{}}');
  await using open = await serving({ ...given, describe: 'everybody' }, {}, { credentials });
  expect((await fetch(`${open.url}?wsdl`)).status).toBe(200);
});

test('the claims of a token go with the message, as at http-in', async () => {
  const secret = 'more than thirty-two bytes are needed here';
  const set = credentialSet({ sso: { kind: 'jwt-key', algorithm: 'HS256', secret } });
  await using line = await serving(
    { callers: { kind: 'bearer', verifier: 'sso' }, claims: ['ward'] },
    {},
    { verifiers: { sso: await set.credentials.jwt('sso') } },
  );
  const token = await new SignJWT({ sub: 'portal', ward: 'W1', mail: 'x' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('5m')
    .sign(Buffer.from(secret));
  const authorization = `Bearer ${token}`;
  expect(await line.call(enveloped(ORDER), { authorization })).toMatchObject({ status: 200 });
  expect(line.opened.delivered[0]?.caller).toBe('{"name":"portal","claims":{"ward":"W1"}}');
  await set[Symbol.asyncDispose]();
});

test('a body may come with gzip, and no larger than the limit', async () => {
  await using line = await serving({ limit: '100KB' });
  const packed = { 'content-encoding': 'gzip' };
  expect(await line.call(gzipSync(enveloped(ORDER)), packed)).toMatchObject({ status: 200 });
  const bomb = gzipSync(enveloped(`<Order xmlns="urn:lab">${' '.repeat(10_000_000)}</Order>`));
  expect(bomb.byteLength).toBeLessThan(100_000);
  const refused = await line.call(bomb, packed);
  expect(refused.status).toBe(413);
  expect(refused.at('//faultcode')).toBe('soap:Client');
  expect(line.opened.delivered).toHaveLength(1);
});

test('without a WSDL every element of both versions is a message', async () => {
  await using opened = await openInbound(soapIn, { listen: '127.0.0.1:0', deliver: 'envelope' });
  const [, port] = /:(\d+)\//.exec(opened.states.at(-1)?.detail ?? '') ?? [];
  const url = `http://127.0.0.1:${port}/any`;
  const post = (body: string, type: string): Promise<Response> =>
    fetch(url, { method: 'POST', headers: { 'content-type': type }, body });
  const newer = enveloped('<a/>', { namespace: SOAP_12 });
  expect((await post(newer, 'application/soap+xml')).status).toBe(200);
  expect((await post(enveloped('<b/>'), 'text/xml')).status).toBe(200);
  expect((await post('{}', 'application/json')).status).toBe(415);
  expect(opened.delivered.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'a application/soap+xml',
    'b text/xml',
  ]);
  expect(String(opened.delivered[0]?.body)).toBe(newer);
});

const hostile: readonly [string, string][] = [
  ['an entity bomb', '<!DOCTYPE b [<!ENTITY a "x">]><b>&a;</b>'],
  ['an external entity', '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>'],
  ['elements nested 100,000 deep', `${'<a>'.repeat(100_000)}${'</a>'.repeat(100_000)}`],
  ['600,000 elements', enveloped(`<a>${'<b/>'.repeat(600_000)}</a>`)],
  ['text after the end', `${enveloped(ORDER)}x`],
  ['two bodies', enveloped(`${ORDER}</S:Body><S:Body>${ORDER}`)],
  [
    'a body before the header',
    `<S:Envelope xmlns:S="${SOAP_11}"><S:Body/><S:Header/></S:Envelope>`,
  ],
  ['no XML', 'MSH|^~\\&|'],
];

test.for(hostile)('%s is the sender’s fault, and nothing is delivered', async ([, xml]) => {
  await using line = await serving();
  const answer = await line.call(xml);
  expect(answer.status).toBe(500);
  expect(answer.at('//faultcode')).toBe('soap:Client');
  expect(answer.text).not.toContain('root:');
  expect(line.opened.delivered).toHaveLength(0);
  expect(await line.call(enveloped(ORDER))).toMatchObject({ status: 200 });
});

test('the connection test tells the port and the WSDL', async () => {
  await using folder = await filesIn(ordersWsdl());
  const given = { listen: '127.0.0.1:0', wsdl: 'orders.wsdl' };
  const steps = await testSteps(soapIn, given, { folder: folder.path });
  expect(steps.filter(({ result }) => result === 'failed')).toEqual([]);
  expect(steps.at(-1)).toMatchObject({
    name: 'WSDL',
    detail: 'port OrdersPort, SOAP 1.1, 2 operations',
  });
});
