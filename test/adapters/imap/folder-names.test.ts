import { describe, expect, test, vi } from 'vitest';
import imapIn from '../../../adapters/imap/imap-in.ts';
import { delivered, imapLab } from '../../support/imap-lab.ts';
import { hasMailServers, USERS } from '../../support/mail-server.ts';
import { mailWith } from '../../support/mailbox.ts';
import { testSteps } from '../../support/open-adapter.ts';

const BOB = 'bob@lab.example';

describe.runIf(await hasMailServers()).for([
  { separator: '/', prefix: '' },
  { separator: '.', prefix: '' },
  { separator: '.', prefix: 'INBOX.' },
])('on a server with separator $separator and prefix "$prefix"', (names) => {
  test('levels are written with a slash, or as the server does', async () => {
    await using lab = await imapLab(names);
    await using box = await lab.box();
    const own = (path: string): string => `${names.prefix}${path.replaceAll('/', names.separator)}`;
    await box.client.mailboxCreate(own('Lab/New'));
    for (const [n, folder] of ['Lab/New', own('Lab/New')].entries()) {
      await box.put(await mailWith({ text: `mail ${n}` }), own('Lab/New'));
      await using opened = await lab.open(box, { folder, archive: 'Lab/Taken/2026', take: 'text' });
      await delivered(opened, 1);
      await vi.waitFor(async () =>
        expect(await box.look(own('Lab/Taken/2026'))).toHaveLength(n + 1),
      );
      expect(await box.look(own('Lab/New'))).toEqual([]);
    }
    const paths = (await box.client.list()).map(({ path }) => path);
    expect(paths.filter((path) => /Lab/.test(path)).toSorted()).toEqual(
      ['Lab', 'Lab/New', 'Lab/Taken', 'Lab/Taken/2026'].map(own),
    );
    const steps = await testSteps(
      imapIn,
      {
        connect: `localhost:${lab.server.ports.imaps}`,
        tls: { trust: lab.server.trust },
        credential: 'mailbox',
        folder: 'Lab/New',
        archive: 'Lab/Taken/2026',
      },
      { credentials: { mailbox: { kind: 'basic', user: BOB, password: USERS[BOB] } } },
    );
    expect(steps.at(-1)).toMatchObject({ name: 'folder', result: 'passed' });
  });
});
