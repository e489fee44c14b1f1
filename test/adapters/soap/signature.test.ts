import { describe, expect, test } from 'vitest';
import soapOut from '../../../adapters/soap/soap-out.ts';
import type { CertificateCredential } from '../../../src/adapter/index.ts';
import { documentOf } from '../../../src/document/index.ts';
import { certificates } from '../../support/certificates.ts';
import { openOutbound } from '../../support/open-adapter.ts';
import { SOAP_11, soapAnswer } from '../../support/soap-envelope.ts';
import { webServer } from '../../support/web-server.ts';
import { hasXmlsec, verifiedByXmlsec } from '../../support/xmlsec.ts';

const XML = { type: 'application/xml' };

/** The envelope that came to a server. */
async function signed(
  certificate: CertificateCredential,
  body: string,
  given: Readonly<Record<string, unknown>> = {},
): Promise<Buffer> {
  await using server = await webServer(() => soapAnswer('<ok/>'));
  await using opened = await openOutbound(
    soapOut,
    {
      url: server.url,
      addressing: 'on',
      action: 'urn:a',
      security: { certificate: 'key', timestamp: '5m' },
      ...given,
    },
    { credentials: { key: certificate } },
  );
  await opened.send(Buffer.from(body), XML);
  return server.requests[0]?.body ?? Buffer.alloc(0);
}

const BODIES = [
  [
    'a payload',
    '<a xmlns="urn:a"><b xmlns:x="urn:x" x:c="1"> ä &amp; <![CDATA[<]]>\r\n</b><!-- c --></a>',
  ],
  [
    'an envelope',
    `<E:Envelope xmlns:E="${SOAP_11}" xmlns:x="urn:x">\n<E:Body><x:a x:b="c"/></E:Body>\n</E:Envelope>`,
  ],
  [
    'names and attributes in every namespace',
    '<p:a xmlns:p="urn:z" xmlns:q="urn:b" xmlns:r="urn:b" z="1" a="2" q:z="3" p:a="4" r:b="5" xml:lang="en"><c xmlns="urn:c"><d xmlns=""><e xmlns="urn:c"/></d><p:f xmlns:p="urn:other" p:g="h"/></c><p:i xmlns:unused="urn:u"/></p:a>',
  ],
  [
    'characters that are written otherwise',
    '<a b="&lt;&gt;&amp;&quot;&apos;&#9;&#10;&#13;\tä\u{1F600}">&lt;&gt;&amp;"\'&#13;&#9;\u{1F600}<?pi  data ?><?empty?></a>',
  ],
  [
    'an envelope whose default namespace is used within',
    `<Envelope xmlns="${SOAP_11}" xmlns:x="urn:x"><Header/><Body><a xmlns=""><x:b/></a></Body></Envelope>`,
  ],
] as const;

describe.skipIf(!hasXmlsec)('xmlsec1 (skipped where it is not installed)', () => {
  test.for(BODIES)(
    'accepts the signature over %s, and finds it broken by a change',
    async ([, body]) => {
      await using all = await certificates();
      const envelope = await signed(all.client, body);
      const parts = documentOf(envelope, XML).all('//Reference/@URI');
      expect(parts.filter((one) => one.startsWith('#waybill-'))).toHaveLength(7);
      expect(await verifiedByXmlsec(envelope, all.client.certificate)).toBe(true);
      expect(await verifiedByXmlsec(envelope, all.otherClient.certificate)).toBe(false);
      const text = envelope.toString();
      const changed = text.replace(/(<(?:soap:|E:)?Body[^>]*>)/, '$1<evil/>');
      expect(changed).not.toBe(text);
      expect(await verifiedByXmlsec(Buffer.from(changed), all.client.certificate)).toBe(false);
      const later = text.replace(/(<wsu:Expires>)2/, '$13');
      expect(await verifiedByXmlsec(Buffer.from(later), all.client.certificate)).toBe(false);
    },
  );

  test('accepts a signature made with RSA', async () => {
    await using all = await certificates();
    const issued = all.authority.issue({ commonName: 'rsa', keys: 'RSA' });
    const credential = { kind: 'certificate', files: [], ...issued } as const;
    const envelope = await signed(credential, '<a/>');
    expect(envelope.toString()).toContain('rsa-sha256');
    expect(await verifiedByXmlsec(envelope, credential.certificate)).toBe(true);
  });
});
