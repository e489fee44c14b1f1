import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import soapOut from '../../../adapters/soap/soap-out.ts';
import { documentOf } from '../../../src/document/index.ts';
import { replyRules } from '../../../src/flow/reply-rules.ts';
import { type OpenedOutbound, openOutbound, testSteps } from '../../support/open-adapter.ts';
import { SOAP_11, SOAP_12, soapAnswer, soapFault } from '../../support/soap-envelope.ts';
import { filesIn, ordersWsdl } from '../../support/soap-files.ts';
import { type SeenRequest, type WebServer, webServer } from '../../support/web-server.ts';

const XML = { type: 'application/xml' };
const ORDER = '<Order xmlns="urn:lab"><test>GLU</test></Order>';
const RECEIPT = '<r:Receipt xmlns:r="urn:lab"><r:number>R-1</r:number></r:Receipt>';

/** The path of an XPath in what came to the server. */
const at = ({ body }: SeenRequest, path: string): string =>
  documentOf(body, { type: 'application/xml' }).get(path);

interface Opened extends AsyncDisposable {
  readonly opened: OpenedOutbound;
  readonly server: WebServer;
  sent(body: string, message?: object): Promise<SeenRequest>;
}

async function calling(
  given: Readonly<Record<string, unknown>> = {},
  wsdl: Parameters<typeof ordersWsdl>[0] = {},
  options: Parameters<typeof openOutbound>[2] = {},
): Promise<Opened> {
  const server = await webServer(() => soapAnswer(RECEIPT, { version: wsdl?.version ?? '1.1' }));
  const folder = await filesIn(ordersWsdl({ ...wsdl, address: `${server.url}/orders` }));
  const opened = await openOutbound(
    soapOut,
    { wsdl: 'orders.wsdl', ...given },
    { folder: folder.path, ...options },
  );
  return {
    opened,
    server,
    async sent(body, message = XML) {
      await opened.send(Buffer.from(body), message);
      const request = server.requests.at(-1);
      if (request === undefined) throw new Error('nothing came');
      return request;
    },
    async [Symbol.asyncDispose]() {
      await opened.close();
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('a message is the body of an envelope of 1.1 with the action as a header', async () => {
  await using line = await calling();
  const reply = await line.opened.send(Buffer.from(`<?xml version="1.0"?>\n${ORDER}`), XML);
  const [request] = line.server.requests;
  expect(request?.path).toBe('/orders');
  expect(request?.headers).toMatchObject({
    'content-type': 'text/xml; charset=utf-8',
    soapaction: '"urn:lab:PlaceOrder"',
  });
  expect(request?.body.toString()).toContain(`<soap:Body>${ORDER}</soap:Body>`);
  expect(request?.body.toString()).toContain(SOAP_11);
  expect(reply).toMatchObject({ code: '200', type: 'application/xml' });
  expect(Buffer.from(reply?.body ?? []).toString()).toContain('<r:number>R-1</r:number>');
});

test('1.2 has its own namespace, and the action is a parameter of the type', async () => {
  await using line = await calling({}, { version: '1.2' });
  const request = await line.sent(ORDER);
  expect(request.headers['content-type']).toBe(
    'application/soap+xml; charset=utf-8; action="urn:lab:PlaceOrder"',
  );
  expect(request.headers['soapaction']).toBeUndefined();
  expect(request.body.toString()).toContain(SOAP_12);
});

test('the operation follows from the element, and a message of none is refused before it is sent', async () => {
  await using line = await calling();
  const request = await line.sent('<l:Notice xmlns:l="urn:lab"><l:text>x</l:text></l:Notice>');
  expect(request.headers['soapaction']).toBe('"urn:lab:Notify"');
  await expect(line.opened.send(Buffer.from('<Bill/>'), XML)).rejects.toMatchObject({
    code: 'ADAPTER_REJECTED',
    message: expect.stringContaining('It has PlaceOrder, Notify') as string,
  });
  await expect(line.opened.send(Buffer.from('MSH|^~\\&|'), XML)).rejects.toMatchObject({
    code: 'ADAPTER_REJECTED',
  });
  expect(line.server.requests).toHaveLength(1);
});

test('an element that is not that of the named operation is refused', async () => {
  await using line = await calling({ operation: 'Notify' });
  await expect(line.opened.send(Buffer.from(ORDER), XML)).rejects.toThrow(
    'The operation Notify takes {urn:lab}Notice',
  );
});

test('a message without an answer is done with by 202', async () => {
  await using line = await calling();
  line.server.answer(() => ({ status: 202 }));
  const notice = Buffer.from('<Notice xmlns="urn:lab"/>');
  expect(await line.opened.send(notice, XML)).toMatchObject({ code: '202' });
  line.server.answer(() => ({ status: 200 }));
  expect(await line.opened.send(Buffer.from(ORDER), XML)).toMatchObject({
    code: 'NotSOAP',
    text: expect.stringContaining('it is empty') as string,
  });
});

test('rpc/literal wraps a part in the operation, and takes the whole wrapper too', async () => {
  await using line = await calling({ operation: 'PlaceOrder' }, { style: 'rpc' });
  const part = await line.sent('<order><test>GLU</test></order>');
  const path = '/Envelope/Body/PlaceOrder[namespace-uri()="urn:lab"]/order/test';
  expect(at(part, path)).toBe('GLU');
  const whole = await line.sent(
    '<a:PlaceOrder xmlns:a="urn:lab"><order><test>HB</test></order></a:PlaceOrder>',
  );
  expect(at(whole, path)).toBe('HB');
  await expect(line.opened.send(Buffer.from(ORDER), XML)).rejects.toThrow('or its part alone');
});

test('a whole envelope is sent as it is, with headers added', async () => {
  await using line = await calling({ soapHeaders: ['<t:T xmlns:t="urn:t">{name}</t:T>'] });
  const envelope = `<?xml version="1.0" encoding="UTF-8"?>\n<E:Envelope xmlns:E="${SOAP_11}" xmlns:o="urn:lab">\r\n <E:Header><own xmlns="urn:own">1</own></E:Header>\n <E:Body  id='b'><o:Order><o:test>ä</o:test></o:Order></E:Body></E:Envelope>`;
  const request = await line.sent(envelope, { ...XML, name: 'a<b' });
  const added = '<t:T xmlns:t="urn:t">a&lt;b</t:T></E:Header>';
  expect(request.body.toString()).toBe(envelope.replace('</E:Header>', added));
  const bare = `<E:Envelope xmlns:E="${SOAP_11}"><E:Body><Order xmlns="urn:lab"/></E:Body></E:Envelope>`;
  const other = await line.sent(bare, { ...XML, name: 'x' });
  expect(at(other, '/Envelope/Header/T')).toBe('x');
  const newer = bare.replace(SOAP_11, SOAP_12);
  await expect(line.opened.send(Buffer.from(newer), XML)).rejects.toThrow('SOAP 1.2');
});

test('a payload that declares its prefixes outside and another charset arrives whole', async () => {
  await using line = await calling();
  const latin = Buffer.from(
    '<?xml version="1.0" encoding="ISO-8859-1"?><l:Order xmlns:l="urn:lab"><l:test>Härte</l:test></l:Order>',
    'latin1',
  );
  await line.opened.send(latin, XML);
  const [request] = line.server.requests;
  expect(request && at(request, '//test')).toBe('Härte');
});

test('without a WSDL, url and action are enough', async () => {
  await using server = await webServer(() => soapAnswer('<ok/>', { version: '1.2' }));
  await using opened = await openOutbound(soapOut, {
    url: `${server.url}/x/{name}`,
    action: 'urn:do:{type}',
    version: '1.2',
    answer: 'envelope',
  });
  const reply = await opened.send(Buffer.from('<a/>'), { ...XML, name: 'p q' });
  expect(server.requests[0]?.path).toBe('/x/p%20q');
  expect(server.requests[0]?.headers['content-type']).toContain('action="urn:do:application/xml"');
  expect(reply).toMatchObject({ code: '200', type: 'application/soap+xml' });
  expect(Buffer.from(reply?.body ?? []).toString()).toContain('Envelope');
});

const rules = replyRules({}, soapOut.replies);

test.for([
  ['1.1', 'S:Client', 'Client', 'fail'],
  ['1.1', 'S:Client.UnknownTest', 'Client.UnknownTest', 'fail'],
  ['1.1', 'S:Server', 'Server', 'retry'],
  ['1.1', 'S:VersionMismatch', 'VersionMismatch', 'stop'],
  ['1.1', 'S:MustUnderstand', 'MustUnderstand', 'suspend'],
  ['1.1', 'x:OrderNotFound', 'OrderNotFound', 'fail'],
  ['1.1', 'wsse:FailedAuthentication', 'FailedAuthentication', 'stop'],
  ['1.2', 'S:Sender', 'Sender', 'fail'],
  ['1.2', 'S:Sender x:OrderNotFound', 'Sender.OrderNotFound', 'fail'],
  ['1.2', 'S:Sender wsse:FailedAuthentication', 'Sender.FailedAuthentication', 'stop'],
  ['1.2', 'S:Receiver x:Busy', 'Receiver.Busy', 'retry'],
  ['1.2', 'S:DataEncodingUnknown', 'DataEncodingUnknown', 'suspend'],
] as const)('a fault of %s with the code %s is %s: %s', async ([version, code, told, action]) => {
  await using line = await calling({}, { version });
  line.server.answer(() => soapFault(code, 'not today', { version, detail: '<why>full</why>' }));
  const reply = await line.opened.send(Buffer.from(ORDER), XML);
  expect(reply).toMatchObject({ code: told, text: `${told}: not today\nwhy: full` });
  expect(rules.onReply(reply).action).toBe(action);
  expect(Buffer.from(reply?.body ?? []).toString()).toContain('Fault');
});

test('a fault with status 200 is a fault all the same, and 401 counts more than the fault beside it', async () => {
  await using line = await calling();
  line.server.answer(() => ({ ...soapFault('S:Server', 'no'), status: 200 }));
  expect(await line.opened.send(Buffer.from(ORDER), XML)).toMatchObject({ code: 'Server' });
  line.server.answer(() => ({ ...soapFault('S:Client', 'who are you'), status: 401 }));
  expect(await line.opened.send(Buffer.from(ORDER), XML)).toMatchObject({
    code: '401',
    text: 'Client: who are you',
  });
});

test.for<[string, string, string]>([
  ['a page of a proxy', 'text/html', '<html><title>Sign in</title></html>'],
  ['other XML', 'text/xml', '<hello/>'],
  ['XML that was cut off', 'text/xml', '<S:Envelope xmlns:S="'],
  ['an envelope without a body', 'text/xml', `<S:Envelope xmlns:S="${SOAP_11}"/>`],
  ['a DTD', 'text/xml', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
])('%s with status 200 is no success', async ([, type, body]) => {
  await using line = await calling();
  line.server.answer(() => ({ headers: { 'content-type': type }, body }));
  const reply = await line.opened.send(Buffer.from(ORDER), XML);
  expect(reply).toMatchObject({ code: 'NotSOAP' });
  expect(rules.onReply(reply).action).toBe('suspend');
  line.server.answer(() => ({ status: 503, headers: { 'content-type': type }, body }));
  expect(await line.opened.send(Buffer.from(ORDER), XML)).toMatchObject({ code: '503' });
});

const relating = (to: string): string =>
  `<w:RelatesTo xmlns:w="http://www.w3.org/2005/08/addressing">${to}</w:RelatesTo>`;

test('WS-Addressing names the message, the same at every try, and the answer must relate to it', async () => {
  await using line = await calling({ addressing: 'required', from: 'urn:hub' });
  const request = await line.sent(ORDER);
  const id = at(request, '/Envelope/Header/MessageID');
  expect(id).toMatch(/^urn:uuid:[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  expect(at(request, '/Envelope/Header/Action')).toBe('urn:lab:PlaceOrder');
  expect(at(request, '/Envelope/Header/Action/@env:mustUnderstand')).toBe('1');
  expect(at(request, '/Envelope/Header/To')).toBe(`${line.server.url}/orders`);
  expect(at(request, '/Envelope/Header/From/Address')).toBe('urn:hub');
  expect(at(request, '/Envelope/Header/ReplyTo/Address')).toMatch(/anonymous$/);
  expect(at(await line.sent(ORDER), '//MessageID')).toBe(id);
  expect(at(await line.sent(ORDER, { ...XML, id: 7 }), '//MessageID')).not.toBe(id);
  line.server.answer(() => soapAnswer(RECEIPT, { headers: relating('urn:uuid:another') }));
  expect(await line.opened.send(Buffer.from(ORDER), XML)).toMatchObject({
    problems: ['wrong-control-id'],
  });
  line.server.answer(() => soapAnswer(RECEIPT, { headers: relating(id) }));
  expect((await line.opened.send(Buffer.from(ORDER), XML))?.problems).toBeUndefined();
});

test('the default action is that of the WS-Addressing metadata', async () => {
  await using server = await webServer(() => soapAnswer(RECEIPT));
  const files = ordersWsdl({ address: server.url });
  const bare = (files['orders.wsdl'] ?? '').replaceAll(/soapAction="[^"]*"/g, 'soapAction=""');
  await using folder = await filesIn({ ...files, 'orders.wsdl': bare });
  await using opened = await openOutbound(
    soapOut,
    { wsdl: 'orders.wsdl', addressing: 'on' },
    { folder: folder.path },
  );
  await opened.send(Buffer.from(ORDER), XML);
  const [request] = server.requests;
  expect(request && at(request, '//Action')).toBe('urn:lab:Orders:PlaceOrderRequest');
});

test('a user name token has the digest of nonce, time and password, and never the password', async () => {
  const credentials = { lab: { kind: 'basic', user: 'hub', password: 'pässword' } } as const;
  await using line = await calling(
    { security: { username: 'lab', timestamp: '5m' } },
    {},
    { credentials },
  );
  const request = await line.sent(ORDER);
  const [nonce, created] = [at(request, '//Nonce'), at(request, '//UsernameToken/Created')];
  const digest = createHash('sha1')
    .update(Buffer.from(nonce, 'base64'))
    .update(`${created}pässword`)
    .digest('base64');
  expect(at(request, '//Username')).toBe('hub');
  expect(at(request, '//Password')).toBe(digest);
  expect(request.body.toString()).not.toContain('pässword');
  const lifetime = Date.parse(at(request, '//Expires')) - Date.parse(at(request, '//Created'));
  expect(lifetime).toBe(300_000);
  expect(at(await line.sent(ORDER), '//Nonce')).not.toBe(nonce);
});

test('requests are compressed where it is wanted, and answers always may be', async () => {
  await using line = await calling({ compress: true });
  line.server.answer(() => {
    const { headers, body } = soapAnswer(RECEIPT);
    return { headers: { ...headers, 'content-encoding': 'gzip' }, body: gzipSync(body) };
  });
  const reply = await line.opened.send(Buffer.from(ORDER), XML);
  expect(Buffer.from(reply?.body ?? []).toString()).toContain('R-1');
  const [request] = line.server.requests;
  expect(request?.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(request?.body ?? '').toString()).toContain(ORDER);
});

test('a value cannot become an element of a header, nor a line of a header of HTTP', async () => {
  await using line = await calling({
    soapHeaders: ['<t:T xmlns:t="urn:t">{name}</t:T>'],
    action: '{name}',
  });
  const evil = { ...XML, name: '"\r\nX: 1' };
  await expect(line.opened.send(Buffer.from(ORDER), evil)).rejects.toThrow('The action has');
  const request = await line.sent(ORDER, { ...XML, name: '</t:T><evil/>'.replaceAll('"', '') });
  expect(at(request, 'count(//evil)')).toBe('0');
});

test('the connection test tells the WSDL, the server and whether the operations are still there', async () => {
  await using line = await calling();
  const { wsdl } = { wsdl: ordersWsdl()['orders.wsdl'] ?? '' };
  line.server.answer(({ method }) =>
    method === 'GET' ? { headers: { 'content-type': 'text/xml' }, body: wsdl } : { status: 405 },
  );
  await using folder = await filesIn(ordersWsdl({ address: line.server.url }));
  const tried = (): ReturnType<typeof testSteps> =>
    testSteps(soapOut, { wsdl: 'orders.wsdl' }, { folder: folder.path });
  const steps = await tried();
  expect(steps.map(({ name, result }) => `${name} ${result}`)).toEqual(
    expect.arrayContaining(['WSDL passed', 'TCP passed', 'operations passed']),
  );
  line.server.answer(({ method }) =>
    method === 'GET'
      ? { headers: { 'content-type': 'text/xml' }, body: wsdl.replaceAll('Notify', 'Tell') }
      : { status: 405 },
  );
  expect((await tried()).at(-1)).toMatchObject({
    name: 'operations',
    result: 'failed',
    cause: 'the service has no operation Notify',
  });
});

test('an answer may say of itself that it is none, and why', async () => {
  await using line = await calling({
    answerCode: '/RegistryResponse/@status',
    answerText: '//RegistryError/@codeContext',
  });
  const answered = (status: string, error: string): void =>
    line.server.answer(() =>
      soapAnswer(
        `<R:RegistryResponse xmlns:R="urn:rs" status="${status}">${error}</R:RegistryResponse>`,
      ),
    );
  answered('urn:ResponseStatusType:Failure', '<R:RegistryError codeContext="no such patient"/>');
  expect(await line.opened.send(Buffer.from(ORDER), XML)).toMatchObject({
    code: 'Failure',
    text: 'no such patient',
  });
  answered('urn:ResponseStatusType:Success', '');
  const good = await line.opened.send(Buffer.from(ORDER), XML);
  expect(good).toMatchObject({ code: 'Success', text: undefined });
  // without a rule it is no success: nobody said what it means
  expect(rules.onReply(good).action).toBe('fail');
  line.server.answer(() => soapFault('S:Server', 'no'));
  expect(await line.opened.send(Buffer.from(ORDER), XML)).toMatchObject({ code: 'Server' });
  await expect(calling({ answerCode: '/a[' })).rejects.toThrow('answerCode: XPath');
});
