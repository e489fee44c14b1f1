import { expect, test, vi } from 'vitest';
import type { Message, MessagePage } from '../../src/api/contract/message.ts';
import { operated } from '../support/operator.ts';

const SPLIT = `production: apart
settings: { shutdownTimeout: 1s }
services:
  hl7-in: { adapter: mllp-in, settings: { listen: '\${env:LISTEN}' }, to: splitter }
processes:
  splitter: { rules: [{ name: all, send: { to: hl7-out, transform: apart } }] }
operations:
  hl7-out: { adapter: mllp-out, settings: { connect: '\${env:CONNECT}' } }
transforms: { apart: apart.yaml }
`;

test('a part of a split message that is resent is still the same part of as many', async () => {
  await using production = await operated({
    production: SPLIT,
    files: { 'apart.yaml': 'split: NK1\nname: part-{part}\n' },
  });
  const found = async (): Promise<readonly Message[]> =>
    (
      await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
        target: 'hl7-out',
        status: ['completed'],
      })
    ).body.items;
  // two contacts more, each a segment of its own
  await production.send('P1', { name: 'Doe^John\rNK1|1|DOE^JANE\rNK1|2|DOE^JIM' });
  const second = await vi.waitFor(async () => {
    const items = await found();
    expect(items).toHaveLength(2);
    return items.find(({ part }) => part === 2);
  }, 8_000);
  await production.ask('POST', `/api/v1/messages/${second?.id}/resend`, {});
  const resent = await vi.waitFor(async () => {
    const one = (await found()).find(({ resendOf }) => resendOf === second?.id);
    expect(one).toBeDefined();
    return one;
  }, 8_000);
  const { type, name, origin, part, parts } = second ?? {};
  expect(resent).toMatchObject({ type, name, origin, part, parts });
  expect(resent).toMatchObject({ part: 2, parts: 2, name: 'part-2' });
});
