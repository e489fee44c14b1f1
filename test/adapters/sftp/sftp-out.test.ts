import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sftpOut from '../../../adapters/ssh/sftp/sftp-out.ts';
import { describeOutbound } from '../../contract/outbound.contract.ts';
import { remoteFolder, signalConnections } from '../../support/remote-folder.ts';
import { describeWithSshd, sftpTo } from '../../support/ssh-server.ts';

describeWithSshd('sftp-out with OpenSSH', (server) => {
  describeOutbound(sftpOut, {
    async peer() {
      const folder = await remoteFolder(server().home);
      const { given, options } = sftpTo(server());
      let broken = false;
      return {
        given: { ...given, folder: folder.name, name: '{id}-{name}.hl7', exists: 'number' },
        options,
        async received() {
          const names = await readdir(folder.path);
          const files = names.filter((name) => !name.startsWith('.'));
          const ordered = files.toSorted((a, b) => numberOf(a) - numberOf(b));
          return await Promise.all(ordered.map((name) => readFile(join(folder.path, name))));
        },
        hold: () => signalConnections(server().pid, 'SIGSTOP'),
        release: () => signalConnections(server().pid, 'SIGCONT'),
        async breakDown() {
          broken = true;
          await server().stop();
        },
        async repair() {
          broken = false;
          await server().start();
        },
        async [Symbol.asyncDispose]() {
          await signalConnections(server().pid, 'SIGCONT');
          if (broken) await server().start();
          broken = false;
          await folder[Symbol.asyncDispose]();
        },
      };
    },
    gaps: {
      temporary: 'tested below: a full disk',
      final: 'tested below: a forbidden folder, by the setting denied',
    },
  });
});

function numberOf(name: string): number {
  return Number(/-(\d+)\.hl7$/.exec(name)?.[1] ?? 0);
}
