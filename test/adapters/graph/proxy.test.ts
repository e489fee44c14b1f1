import { expect, test, vi } from 'vitest';
import graphMailOut from '../../../adapters/graph/graph-mail-out.ts';
import { apache, hasApache } from '../../support/apache.ts';
import { certificates } from '../../support/certificates.ts';
import { graphLab, WARD } from '../../support/graph-lab.ts';
import { testSteps } from '../../support/open-adapter.ts';
import { arrived, openSending } from '../../support/open-graph.ts';

test.runIf(hasApache)(
  'through a proxy a large attachment reaches its other host, and each certificate is judged by its own name',
  async () => {
    await using files = await certificates();
    await using lab = await graphLab();
    const account = { user: 'hub', password: 'pr@xy:word' };
    await using peer = await apache(files, {
      account,
      upstream: 'http://127.0.0.1:1',
      connect: '1024-65535',
    });
    const { host } = new URL(peer.proxyUrl);
    const proxy = `http://hub:${encodeURIComponent(account.password)}@${host}`;
    await using opened = await openSending(lab, { proxy });
    const large = Buffer.alloc(4 * 1024 * 1024, 'x');
    expect(await opened.send(large)).toMatchObject({ code: '202' });
    expect(arrived(lab)[0]?.attachments[0]?.content.equals(large)).toBe(true);
    await opened.close();
    await vi.waitFor(async () =>
      expect(await peer.proxied()).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^CONNECT .*localhost:\d+ 200$/),
          expect.stringMatching(/^CONNECT .*127\.0\.0\.1:\d+ 200$/),
        ]),
      ),
    );
    const options = { credentials: { graph: lab.credential } };
    const given = { ...lab.given, to: WARD, proxy };
    const steps = await testSteps(graphMailOut, given, options);
    expect(steps.map(({ name, result }) => `${name} ${result}`).slice(0, 5)).toEqual([
      'name passed',
      'TCP passed',
      'proxy passed',
      'TLS passed',
      'sign-in passed',
    ]);
    const wrong = { ...given, tls: { trust: lab.trust, allow: ['CN=somebody-else'] } };
    expect((await testSteps(graphMailOut, wrong, options)).at(-1)).toMatchObject({
      name: 'TLS',
      result: 'failed',
    });
    await using refused = await openSending(lab, wrong);
    await expect(refused.send(large)).rejects.toMatchObject({
      message: expect.stringContaining('not on the list of allowed names'),
    });
    expect(JSON.stringify([opened.log, opened.events, steps])).not.toContain('word');
  },
);
