import { expect, test } from 'vitest';
import soapOut from '../../../adapters/soap/soap-out.ts';
import { openOutbound, streamedBody } from '../../support/open-adapter.ts';
import { SOAP_11, soapAnswer } from '../../support/soap-envelope.ts';
import { webServer } from '../../support/web-server.ts';

const XML = { type: 'application/xml' };

test('a body of 40 MB that is not in memory arrives whole', async () => {
  await using server = await webServer(() => soapAnswer('<ok/>'));
  await using opened = await openOutbound(soapOut, { url: server.url });
  const body = Buffer.from(`<doc>${'QUJD'.repeat(10_000_000)}</doc>`);
  expect(await opened.send(streamedBody(body), XML)).toMatchObject({ code: '200' });
  const [request] = server.requests;
  expect(request?.body.includes(body)).toBe(true);
});

test('a message above the limit is refused before it is read', async () => {
  await using opened = await openOutbound(soapOut, { url: 'http://127.0.0.1:1', limit: '1KB' });
  const body = streamedBody(Buffer.alloc(2_000, 0x20));
  await expect(opened.send(body, XML)).rejects.toMatchObject({
    code: 'ADAPTER_REJECTED',
    message: expect.stringContaining('larger than 1 KB') as string,
  });
});

const BOMB = `<!DOCTYPE b [<!ENTITY a "${'x'.repeat(1_000)}"><!ENTITY b "${'&a;'.repeat(1_000)}"><!ENTITY c "${'&b;'.repeat(1_000)}">]><b>&c;</b>`;
const XXE = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>';
const DEEP = `${'<a>'.repeat(100_000)}${'</a>'.repeat(100_000)}`;
const MANY = `<a>${'<b/>'.repeat(600_000)}</a>`;

test.for<[string, string]>([
  ['an entity bomb', BOMB],
  ['an external entity', XXE],
  ['elements nested 100,000 deep', DEEP],
  ['600,000 elements', MANY],
])('%s is refused in a message and told in an answer', async ([, xml]) => {
  await using server = await webServer(() => ({
    headers: { 'content-type': 'text/xml' },
    body: xml.replace(
      /(<\w.*)$/s,
      `<S:Envelope xmlns:S="${SOAP_11}"><S:Body>$1</S:Body></S:Envelope>`,
    ),
  }));
  await using opened = await openOutbound(soapOut, { url: server.url });
  await expect(opened.send(Buffer.from(xml), XML)).rejects.toMatchObject({
    code: 'ADAPTER_REJECTED',
  });
  expect(server.requests).toHaveLength(0);
  const reply = await opened.send(Buffer.from('<a/>'), XML);
  expect(reply?.code).toBe('NotSOAP');
  expect(reply?.text).not.toMatch(/root:|xxxx/);
});
