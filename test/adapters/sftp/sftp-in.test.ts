import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import sftpIn from '../../../adapters/ssh/sftp/sftp-in.ts';
import { describeInbound } from '../../contract/inbound.contract.ts';
import { remoteFolder } from '../../support/remote-folder.ts';
import { describeWithSshd, sftpTo } from '../../support/ssh-server.ts';

describeWithSshd('sftp-in with OpenSSH', (server) => {
  describeInbound(sftpIn, {
    async peer() {
      const folder = await remoteFolder(server().home);
      const { given, options } = sftpTo(server());
      let files = 0;
      let broken = false;
      return {
        given: { ...given, folder: folder.name, every: '20ms', stable: '0s' },
        options,
        async offer(body) {
          const name = `${++files}.hl7`;
          await folder.put(name, body);
          return {
            standing: () =>
              stat(join(folder.path, name)).then(
                () => 'waiting' as const,
                () => 'taken' as const,
              ),
          };
        },
        async breakDown() {
          broken = true;
          await server().stop();
        },
        async [Symbol.asyncDispose]() {
          if (broken) await server().start();
          broken = false;
          await folder[Symbol.asyncDispose]();
        },
      };
    },
  });
});
