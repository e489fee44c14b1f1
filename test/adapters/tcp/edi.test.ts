import { expect, test } from 'vitest';
import tcpIn from '../../../adapters/tcp/tcp-in.ts';
import tcpOut from '../../../adapters/tcp/tcp-out.ts';
import { CLAIMS, OTHER_REPORTS, REPORT } from '../../support/edi-samples.ts';
import { portOf } from '../../support/mllp-sender.ts';
import { openOutbound, readGiven } from '../../support/open-adapter.ts';
import { connected, receiving, STX_ETX } from './receiving.ts';

const given = { ...STX_ETX, answer: 'stored', acknowledge: 'guide' };

test('an interchange is answered by its acknowledgement, framed as it came', async () => {
  await using opened = await receiving(given);
  await using out = await openOutbound(tcpOut, {
    connect: `127.0.0.1:${portOf(opened)}`,
    ...STX_ETX,
    reply: 'framed',
  });
  const reply = await out.send(Buffer.from(CLAIMS), { type: 'X12:837P:005010X222A1' });
  expect(reply).toMatchObject({ code: 'A', type: 'X12:999:005010X231A1' });
  expect(opened.delivered).toMatchObject([{ type: 'X12:837P:005010X222A1' }]);
  const wrong = CLAIMS.replace('IEA*1', 'IEA*2');
  expect(await out.send(Buffer.from(wrong), { type: 'X12:837P' })).toMatchObject({
    code: 'R',
    text: 'TA1 R 021',
  });
  expect(opened.delivered).toHaveLength(1);
});

test('EDIFACT is checked by its profile as well', async () => {
  await using opened = await receiving(
    { ...given, profile: ['lab'] },
    { profiles: { lab: OTHER_REPORTS } },
  );
  await using sender = await connected(opened);
  sender.write(`\x02${REPORT}\x03`);
  await expect.poll(() => sender.heard).toContain("UN+4'UCS+2'UCD+12+2'");
  expect(opened.delivered).toEqual([]);
});

test('the same interchange has the same key', async () => {
  await using opened = await receiving(given);
  await using sender = await connected(opened);
  sender.write(`\x02${CLAIMS}\x03`);
  sender.write(`\x02${CLAIMS}\x03`);
  await expect.poll(() => opened.delivered).toHaveLength(2);
  expect(opened.delivered.map(({ dedupeKey }) => dedupeKey)).toEqual(['000000007', '000000007']);
});

test('anything else gets the fixed answer', async () => {
  await using opened = await receiving(given);
  await using sender = await connected(opened);
  sender.write('\x02{}\x03');
  await sender.hears('\x06');
  expect(opened.delivered).toMatchObject([{ type: 'application/json' }]);
});

test('an acknowledgement needs a sender that waits for an answer', async () => {
  const settings = readGiven(tcpIn.settings, { listen: '127.0.0.1:0', acknowledge: 'guide' });
  const faults = await tcpIn.check?.(settings);
  expect(faults).toMatchObject([{ path: ['acknowledge'], what: 'does not go with answer: none' }]);
});
