import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { BodyText } from '../../src/api/contract/body.ts';
import type { Message, MessagePage, Resent } from '../../src/api/contract/message.ts';
import { dicomFile } from '../support/dicom.ts';
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

const hl7 = (name: string): Buffer =>
  Buffer.from(`MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1\rPID|1||4711||${name}\r`, 'latin1');

const FILES = `production: files
settings: { shutdownTimeout: 1s }
services:
  files: { adapter: file-in, settings: { folder: in, pattern: "*", every: 50ms }, to: out }
operations:
  out: { adapter: file-out, settings: { folder: out, name: "{id}" } }
`;

test('an edited body is written as the original is read, and what is no text is not edited as text', async () => {
  await using production = await operated({
    production: FILES,
    files: { 'in/.keep': '', 'out/.keep': '' },
  });
  const folder = production.folder.path;
  await writeFile(join(folder, 'in/latin1.hl7'), hl7('M\xfcller'));
  await writeFile(join(folder, 'in/film.dcm'), dicomFile());
  const found = async (type: string): Promise<Message> =>
    await vi.waitFor(async () => {
      const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
        target: 'out',
        status: ['completed'],
      });
      const one = body.items.find((item) => item.type.startsWith(type));
      expect(one).toBeDefined();
      return one as Message;
    }, 15_000);
  const [text, film] = [await found('HL7v2'), await found('application/dicom')];
  const shown = await production.ask<BodyText>('GET', `/api/v1/messages/${text.id}/body`);
  expect(shown.body.text).toContain('Müller');
  const edited = shown.body.text.replace('Müller', 'Möller');
  const sent = await production.ask<Resent>('POST', `/api/v1/messages/${text.id}/resend`, {
    text: edited,
  });
  await vi.waitFor(async () => {
    const written = await readFile(join(folder, 'out', String(sent.body.messageId)));
    expect(written.equals(hl7('M\xf6ller'))).toBe(true);
  }, 15_000);
  const refused = await production.ask('POST', `/api/v1/messages/${film.id}/resend`, { text: 'x' });
  expect(refused).toMatchObject({
    status: 422,
    body: { detail: expect.stringContaining('no text') },
  });
});
