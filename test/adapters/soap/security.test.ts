import { createHash } from 'node:crypto';
import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import soapIn from '../../../adapters/soap/soap-in.ts';
import soapOut from '../../../adapters/soap/soap-out.ts';
import type { CertificateCredential } from '../../../src/adapter/index.ts';
import { documentOf } from '../../../src/document/index.ts';
import { type Certificates, certificates } from '../../support/certificates.ts';
import { type OpenedInbound, openInbound, openOutbound } from '../../support/open-adapter.ts';
import { SOAP_11, soapAnswer } from '../../support/soap-envelope.ts';
import { webServer } from '../../support/web-server.ts';
import { hasXmlsec, signedByXmlsec, WSSE, WSU } from '../../support/xmlsec.ts';

const XML = { type: 'application/xml' };
const ORDER = '<o:Order xmlns:o="urn:lab"><o:test>GLU</o:test><o:for>Ada</o:for></o:Order>';

/** An envelope as soap-out signs it. */
async function signedBy(
  certificate: CertificateCredential,
  security: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  await using server = await webServer(() => soapAnswer('<ok/>'));
  const given = {
    url: server.url,
    security: { certificate: 'key', timestamp: '5m', ...security },
  };
  const credentials = { key: certificate };
  await using opened = await openOutbound(soapOut, given, { credentials });
  await opened.send(Buffer.from(ORDER), XML);
  return server.requests[0]?.body.toString() ?? '';
}

interface Guarded extends AsyncDisposable {
  readonly opened: OpenedInbound;
  /** The reason of the fault; undefined if it was taken. */
  send(envelope: string): Promise<string | undefined>;
}

async function guarded(security: Readonly<Record<string, unknown>>): Promise<Guarded> {
  const opened = await openInbound(
    soapIn,
    { listen: '127.0.0.1:0', security },
    { credentials: { lab: { kind: 'basic', user: 'lab', password: 'right' } } },
  );
  const [, port] = /:(\d+)\//.exec(opened.states.at(-1)?.detail ?? '') ?? [];
  return {
    opened,
    async send(body) {
      const answer = await fetch(`http://127.0.0.1:${port}/`, {
        method: 'POST',
        headers: { 'content-type': 'text/xml; charset=utf-8' },
        body,
      });
      const text = await answer.text();
      if (answer.status === 200) return undefined;
      const read = documentOf(Buffer.from(text), XML);
      return `${read.get('//faultcode')} ${read.get('//faultstring')}`;
    },
    [Symbol.asyncDispose]: () => opened.close(),
  };
}

const bodyOf = (opened: OpenedInbound): string => String(opened.delivered.at(-1)?.body);

test('a signed envelope is taken, and known again when it is sent again', async () => {
  await using all = await certificates();
  await using line = await guarded({ trust: all.trust });
  const envelope = await signedBy(all.client);
  expect(await line.send(envelope)).toBeUndefined();
  expect(bodyOf(line.opened)).toBe(ORDER);
  expect(line.opened.delivered[0]?.origin).toContain('CN=client-a');
  await line.send(envelope);
  const [first, second] = line.opened.delivered.map(({ dedupeKey }) => dedupeKey);
  expect(first).toBeDefined();
  expect(second).toBe(first);
  expect(await signedBy(all.client)).not.toBe(envelope);
});

test('the certificate itself may be trusted, without its authority', async () => {
  await using all = await certificates();
  const trust = await all.file('partner.pem', all.client.certificate);
  await using line = await guarded({ trust });
  expect(await line.send(await signedBy(all.client))).toBeUndefined();
  expect(await line.send(await signedBy(all.otherClient))).toContain('not trusted here');
});

test.for<[string, (all: Certificates) => CertificateCredential, string]>([
  ['a stranger', ({ strangeClient }) => strangeClient, 'not trusted here'],
  ['one whose certificate has expired', ({ expiredClient }) => expiredClient, 'not valid now'],
])('a signature of %s is refused', async ([, who, reason]) => {
  await using all = await certificates();
  await using line = await guarded({ trust: all.trust });
  expect(await line.send(await signedBy(who(all)))).toMatch(reason);
  expect(line.opened.delivered).toHaveLength(0);
});

const EVIL = '<o:Order xmlns:o="urn:lab"><o:test>MORPHINE</o:test></o:Order>';
const SIGNED_BODY = /<soap:Body [^>]*>.*<\/soap:Body>/s;

/** What attackers do with an envelope that somebody else has signed. */
const ATTACKS: readonly [string, (envelope: string) => string][] = [
  ['another body', (one) => one.replace(ORDER, EVIL)],
  ['an attribute more', (one) => one.replace('<o:test>', '<o:test a="b">')],
  [
    'the signed body moved into a header, and another one in its place',
    (one) => {
      const [body = ''] = SIGNED_BODY.exec(one) ?? [];
      return one
        .replace(body, `<soap:Body>${EVIL}</soap:Body>`)
        .replace('<soap:Header>', `<soap:Header><x:W xmlns:x="urn:x">${body}</x:W>`);
    },
  ],
  [
    'another body with the id of the signed one',
    (one) => {
      const [body = ''] = SIGNED_BODY.exec(one) ?? [];
      return one
        .replace(body, body.replace(ORDER, EVIL))
        .replace('<soap:Header>', `<soap:Header><x:W xmlns:x="urn:x">${body}</x:W>`);
    },
  ],
  [
    'the signed body beneath another one',
    (one) => {
      const [body = ''] = SIGNED_BODY.exec(one) ?? [];
      return one.replace(body, `<soap:Body>${EVIL}${body}</soap:Body>`);
    },
  ],
  [
    'a body in front of the signed one',
    (one) => one.replace('<soap:Body ', `<soap:Body>${EVIL}</soap:Body><soap:Body `),
  ],
  ['no signature', (one) => one.replace(/<ds:Signature .*<\/ds:Signature>/s, '')],
  ['two signatures', (one) => one.replace(/(<ds:Signature .*<\/ds:Signature>)/s, '$1$1')],
  [
    'a reference less, so that the body is not signed',
    (one) => one.replace(/<ds:Reference URI="#waybill-body">.*?<\/ds:Reference>/s, ''),
  ],
  ['a later end', (one) => one.replace(/(<wsu:Expires>)2/, '$13')],
  ['SHA-1', (one) => one.replaceAll(/xmldsig-more#(rsa|ecdsa)-sha256/g, 'xmldsig-more#$1-sha1')],
  [
    'XSLT',
    (one) =>
      one.replace(
        'http://www.w3.org/2001/10/xml-exc-c14n#"',
        'http://www.w3.org/TR/1999/REC-xslt-19991116"',
      ),
  ],
  [
    'a key of the sender’s own in the signature',
    (one) =>
      one.replace(
        /http:\/\/www.w3.org\/2001\/04\/xmldsig-more#ecdsa-sha256/,
        'http://www.w3.org/2000/09/xmldsig#hmac-sha1',
      ),
  ],
  [
    'an id of the body at a header too',
    (one) => one.replace('<soap:Header>', '<soap:Header><x ID="waybill-body"/>'),
  ],
  [
    'one more transform',
    (one) =>
      one.replace(
        '<ds:Transform ',
        '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:Transform><ds:Transform ',
      ),
  ],
  ['two SignedInfo', (one) => one.replace(/(<ds:SignedInfo .*<\/ds:SignedInfo>)/s, '$1$1')],
  [
    'another signature value',
    (one) => one.replace(/<ds:SignatureValue>[^<]{8}/, '<ds:SignatureValue>AAAAAAAA'),
  ],
];

test.for(ATTACKS)('%s is refused, and nothing is delivered', async ([, attack]) => {
  await using all = await certificates();
  await using line = await guarded({ trust: all.trust });
  const envelope = await signedBy(all.client);
  const changed = attack(envelope);
  expect(changed).not.toBe(envelope);
  expect(await line.send(changed)).toMatch(/^(code|soap):\w+ /);
  expect(line.opened.delivered).toHaveLength(0);
  expect(await line.send(envelope)).toBeUndefined();
});

test('a comment in a text is not signed, and does not cut the text', async () => {
  await using all = await certificates();
  await using line = await guarded({ trust: all.trust });
  const envelope = (await signedBy(all.client)).replace('>Ada<', '>A<!-- x -->da<');
  expect(await line.send(envelope)).toBeUndefined();
  const body = line.opened.delivered[0]?.body as Uint8Array;
  expect(documentOf(body, XML).get('//for')).toBe('Ada');
});

describe.skipIf(!hasXmlsec)('xmlsec1 (skipped where it is not installed)', () => {
  test.for([
    {},
    { prefixes: 'E u #default missing' },
    { method: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512' },
  ])('signs an envelope that is taken, and a changed one is not: %o', async (options) => {
    await using all = await certificates();
    const issued = all.authority.issue({ commonName: 'partner', keys: 'RSA' });
    await using line = await guarded({ trust: all.trust, signed: 'body' });
    const envelope = await signedByXmlsec(ORDER, issued, options);
    expect(await line.send(envelope)).toBeUndefined();
    expect(bodyOf(line.opened)).toContain('Ada');
    expect(await line.send(envelope.replace('>Ada<', '>Eve<'))).toContain('code:FailedCheck');
  });
});

const DIGEST =
  'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest';

const secured = (security: string): string =>
  `<S:Envelope xmlns:S="${SOAP_11}"><S:Header><w:Security xmlns:w="${WSSE}" xmlns:u="${WSU}">${security}</w:Security></S:Header><S:Body>${ORDER}</S:Body></S:Envelope>`;

interface Token {
  readonly password?: string;
  readonly nonce?: string;
  readonly at?: number;
  readonly proof?: string;
}

function digestToken({
  password = 'right',
  nonce = 'bm9uY2U=',
  at = Date.now(),
  proof,
}: Token): string {
  const created = new Date(at).toISOString();
  const digest = createHash('sha1')
    .update(Buffer.from(nonce, 'base64'))
    .update(created + password)
    .digest('base64');
  return secured(
    `<w:UsernameToken><w:Username>lab</w:Username><w:Password Type="${DIGEST}">${proof ?? digest}</w:Password><w:Nonce>${nonce}</w:Nonce><u:Created>${created}</u:Created></w:UsernameToken>`,
  );
}

test('a user name token is taken once: its nonce is remembered, and a wrong password does not use it up', async () => {
  await using line = await guarded({ users: ['lab'] });
  expect(await line.send(digestToken({ password: 'wrong' }))).toContain('password is wrong');
  const token = digestToken({});
  expect(await line.send(token)).toBeUndefined();
  expect(await line.send(token)).toBe(
    'code:FailedAuthentication Not accepted: this UsernameToken was used before (its nonce).',
  );
  expect(await line.send(digestToken({ nonce: 'b3RoZXI=' }))).toBeUndefined();
  expect(line.opened.delivered).toHaveLength(2);
  expect(line.opened.delivered[0]?.caller).toBe('{"name":"lab","claims":{}}');
});

test.for<[string, string, string | RegExp]>([
  [
    'an old token',
    digestToken({ at: Date.now() - 600_000 }),
    /was made 6\d\d s ago by the clock here/,
  ],
  ['a token of tomorrow', digestToken({ at: Date.now() + 86_400_000 }), 'is from the future'],
  ['a digest without a nonce', digestToken({ nonce: '' }), 'a digest needs Nonce and Created'],
  ['no token', secured(''), 'the UsernameToken is missing'],
  [
    'no header',
    `<S:Envelope xmlns:S="${SOAP_11}"><S:Body>${ORDER}</S:Body></S:Envelope>`,
    'the Security header is missing',
  ],
  [
    'two headers',
    digestToken({}).replace('<S:Header>', `<S:Header><w:Security xmlns:w="${WSSE}"/>`),
    'there are two Security headers',
  ],
])('%s is refused with the reason', async ([, envelope, reason]) => {
  await using line = await guarded({ users: ['lab'] });
  expect(await line.send(envelope)).toMatch(reason);
  expect(line.opened.delivered).toHaveLength(0);
});

const stamped = (created: number, expires: number): string =>
  secured(
    `<u:Timestamp><u:Created>${new Date(created).toISOString()}</u:Created><u:Expires>${new Date(expires).toISOString()}</u:Expires></u:Timestamp>`,
  );

test('a timestamp is held against the clock, and the reason says how far they are apart', async () => {
  await using line = await guarded({ timestamp: true, tolerance: '1m' });
  const now = Date.now();
  expect(await line.send(stamped(now, now + 60_000))).toBeUndefined();
  expect(await line.send(stamped(now - 90_000, now - 30_000))).toBeUndefined();
  expect(await line.send(stamped(now - 500_000, now - 400_000))).toMatch(
    /^code:MessageExpired .* expired 400 s ago by the clock here .*compare the clocks/,
  );
  expect(await line.send(stamped(now + 300_000, now + 400_000))).toContain('from the future');
  expect(await line.send(secured(''))).toContain('the Timestamp is missing');
  expect(await line.send(stamped(now, now).replaceAll('Z<', '<'))).toContain('no time with a zone');
});

test('soap-out believes only a signed answer, if it is told so', async () => {
  await using all = await certificates();
  const signed = await signedBy(all.server);
  const security = { answers: 'signed', trust: all.trust };
  await using server = await webServer();
  await using opened = await openOutbound(soapOut, { url: server.url, security });
  const replied = async (body: string): Promise<unknown> => {
    server.answer(() => ({ headers: { 'content-type': 'text/xml' }, body }));
    const reply = await opened.send(Buffer.from('<a/>'), XML);
    return [reply?.code, reply?.text];
  };
  expect(await replied(signed)).toEqual(['200', undefined]);
  expect(await replied(signed.replace('>Ada<', '>Eve<'))).toEqual([
    'NotSigned',
    'The answer is not believed: the signature does not fit what it is for.',
  ]);
  expect(await replied(soapAnswer('<ok/>').body)).toEqual([
    'NotSigned',
    'The answer is not believed: the Security header is missing.',
  ]);
});

test('a signed envelope with 20,000 comments is checked in time that grows with it alone', async () => {
  await using all = await certificates();
  await using line = await guarded({ trust: all.trust });
  const envelope = await signedBy(all.client);
  const many = envelope.replace(
    '<soap:Header>',
    `<soap:Header><x:x xmlns:x="urn:x">${'<!-- c -->x<x:y/>'.repeat(20_000)}</x:x>`,
  );
  const began = performance.now();
  expect(await line.send(many)).toBeUndefined();
  expect(performance.now() - began).toBeLessThan(10_000);
});
