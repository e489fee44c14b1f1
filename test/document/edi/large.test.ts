import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { ediDocument } from '../../../src/document/edi/edi-document.ts';
import { CLAIMS } from '../../support/edi-samples.ts';

const HEAD = CLAIMS.slice(0, CLAIMS.indexOf('ST*837'));

test('16 MB of claims, more than fit into one call, are read, asked and written', () => {
  const claim = 'CLM*CLAIM*150***11:B:1*Y*A*Y*Y~HI*ABK:J0300~LX*1~SV1*HC:99213*150*UN*1***1~';
  const count = Math.ceil(16_000_000 / claim.length);
  const text = `${HEAD}ST*837*0001*005010X222A1~HL*1**20~HL*2*1*22~${claim.repeat(count)}`;
  const bytes = Buffer.from(text, 'latin1');
  const document = ediDocument(bytes);
  expect(document.all('2300/CLM-1')).toHaveLength(count);
  expect(document.get(`2300[${count}]/2400/SV1-2`)).toBe('150');
  document.set('CLM-2', '151');
  expect(document.bytes().byteLength).toBe(bytes.length);
});
