import { expect, test } from 'vitest';
import { certificateAuthority } from '../../../src/credential/certificate-maker.ts';
import { nextUpdate } from '../../../src/peer/tls/revocation-list.ts';

const authority = certificateAuthority('Lists');
const until = (text: string): Date => new Date(text);

test.for(['2027-03-04T05:06:07.000Z', '2049-12-31T23:59:59.000Z', '2050-01-01T00:00:00.000Z'])(
  'the end of a revocation list is read: %s',
  (end) => {
    const list = authority.revocationList([], until(end));
    expect(nextUpdate(Buffer.from(list))?.toISOString()).toBe(end);
  },
);

test('of several lists the one that ends first counts', () => {
  const lists = [
    authority.revocationList([], until('2028-01-01T00:00:00Z')),
    authority.revocationList([authority.certificate], until('2027-01-01T00:00:00Z')),
  ];
  expect(nextUpdate(Buffer.from(lists.join('')))?.toISOString()).toBe('2027-01-01T00:00:00.000Z');
});

test.for(['', 'hello', '-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n'])(
  'what is no list has no end: %j',
  (text) => {
    expect(nextUpdate(Buffer.from(text))).toBeUndefined();
  },
);
