import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ftpsOut from '../../../adapters/ftps/ftps-out.ts';
import { describeOutbound } from '../../contract/outbound.contract.ts';
import { describeWithFtpd, ftpsPrograms, ftpsTo } from '../../support/ftps-server.ts';
import { remoteFolder } from '../../support/remote-folder.ts';
import { tcpGate } from '../../support/tcp-gate.ts';

for (const program of ftpsPrograms) {
  describeWithFtpd('ftps-out', { program }, (server) => {
    describeOutbound(ftpsOut, {
      async peer() {
        const folder = await remoteFolder(server().home);
        const gate = await tcpGate(server().port);
        const { given, options } = ftpsTo({ ...server(), port: gate.port });
        return {
          given: { ...given, folder: folder.name, name: '{id}-{name}.hl7', exists: 'number' },
          options,
          async received() {
            const names = await readdir(folder.path);
            const files = names.filter((name) => !name.startsWith('.'));
            const ordered = files.toSorted((a, b) => numberOf(a) - numberOf(b));
            return await Promise.all(ordered.map((name) => readFile(join(folder.path, name))));
          },
          // A vsftpd that was stopped for a while is not the same afterwards: the network is held instead.
          hold: () => gate.pause(),
          release: () => gate.resume(),
          breakDown: () => gate.shut(),
          repair: () => gate.open(),
          async [Symbol.asyncDispose]() {
            await gate[Symbol.asyncDispose]();
            await folder[Symbol.asyncDispose]();
          },
        };
      },
      gaps: {
        temporary: 'tested elsewhere: a full disk',
        final: 'tested elsewhere: a forbidden folder, by the setting denied',
      },
    });
  });
}

function numberOf(name: string): number {
  return Number(/-(\d+)\.hl7$/.exec(name)?.[1] ?? 0);
}
