import { expect, test, vi } from 'vitest';
import sftpIn from '../../../adapters/ssh/sftp/sftp-in.ts';
import sftpOut from '../../../adapters/ssh/sftp/sftp-out.ts';
import { inlineBody } from '../../../src/message/body.ts';
import { cuttingProxy, type Direction } from '../../support/cutting-proxy.ts';
import { openResources } from '../../support/nothing-open.ts';
import { remoteFolder } from '../../support/remote-folder.ts';
import { describeWithSshd, sftpTo } from '../../support/ssh-server.ts';
import { sentAtLast, supervised } from '../../support/supervised.ts';

const BODY = Buffer.alloc(20_000, 'a line of a report\n');
/** Cuts per direction: spread over the whole conversation, from the greeting to the good-bye. */
const CUTS = 12;

describeWithSshd('a connection to OpenSSH that is cut after N bytes', (server) => {
  async function eachCut(
    conversation: (proxy: Awaited<ReturnType<typeof cuttingProxy>>, n: number) => Promise<void>,
  ): Promise<void> {
    const resources = openResources();
    for (const direction of ['toServer', 'toClient'] as const satisfies Direction[]) {
      let total = 0;
      for (let n = 0; n <= CUTS; n++) {
        await using proxy = await cuttingProxy(server().port);
        if (n > 0) proxy.cutNext(direction, Math.floor((total * n) / (CUTS + 1)));
        await conversation(proxy, n);
        if (n === 0) total = proxy.passed(direction).length;
      }
      expect(total).toBeGreaterThan(1_000);
    }
    await resources.expectNothingNew();
  }

  test('loses and doubles no message that is sent, and leaves nothing open', async () => {
    const { given, options } = sftpTo(server());
    await eachCut(async (proxy, n) => {
      await using folder = await remoteFolder(server().home);
      const settings = { ...given, connect: `127.0.0.1:${proxy.port}`, folder: folder.name };
      const errors = await sentAtLast(
        sftpOut,
        { given: { ...settings, name: 'lab.hl7', exists: 'number' }, options },
        { body: inlineBody(BODY) },
      );
      expect(await folder.names(), `cut ${n}`).toEqual(['lab.hl7']);
      expect((await folder.read('lab.hl7')).equals(BODY)).toBe(true);
      expect(new Set([...errors, 'ADAPTER_NOT_CONNECTED'])).toEqual(
        new Set(['ADAPTER_NOT_CONNECTED']),
      );
    });
  });

  test('loses and doubles no file that is taken, and leaves nothing open', async () => {
    const { given, options } = sftpTo(server());
    await eachCut(async (proxy, n) => {
      await using folder = await remoteFolder(server().home);
      await folder.put('lab.hl7', BODY);
      const settings = { ...given, connect: `127.0.0.1:${proxy.port}`, folder: folder.name };
      await using service = supervised(
        sftpIn,
        { ...settings, every: '5ms', stable: '0s', archive: `${folder.name}/taken` },
        options,
      );
      await vi.waitFor(async () => expect(await folder.names()).toEqual(['taken']), {
        timeout: 10_000,
        interval: 5,
      });
      await service[Symbol.asyncDispose]();
      expect(service.delivered, `cut ${n}`).toHaveLength(1);
      expect(service.delivered[0]?.body.equals(BODY)).toBe(true);
      expect((await folder.read('taken/lab.hl7')).equals(BODY)).toBe(true);
    });
  });
});
